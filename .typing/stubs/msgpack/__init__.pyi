# What wstape uses of msgpack, which ships no types.
from collections.abc import Iterator

class Packer:
    def __init__(self, *, use_bin_type: bool = ..., autoreset: bool = ...) -> None: ...
    def pack(self, obj: object) -> bytes: ...

class Unpacker:
    def __init__(
        self,
        *,
        use_list: bool = ...,
        raw: bool = ...,
        max_buffer_size: int = ...,
        max_array_len: int = ...,
        max_map_len: int = ...,
        max_ext_len: int = ...,
        unicode_errors: str = ...,
    ) -> None: ...
    def feed(self, data: bytes) -> None: ...
    def tell(self) -> int: ...
    def __iter__(self) -> Iterator[object]: ...
