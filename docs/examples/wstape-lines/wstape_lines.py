"""An envelope for wstape: lines such as ``JOIN room=7 name=ann``, several in one message."""

import re

from wstape.contracts.envelopes import Payload, Plain, opaque_payload

LINE = re.compile(r"([A-Z]+)((?: [a-z]+=\S*)*)")


class LinesEnvelope(Plain):
    """A line is an event: its first word is the label, the pairs after it are the payload."""

    name = "lines"

    @classmethod
    def fit(cls, sample):
        """How sure it is that the sample is so wrapped, and the envelope."""
        return sample.confidence(sample.share(lambda message, value: bool(events(message)))), cls()

    def open(self, handshake=None):
        """Nothing is remembered from message to message, so the envelope reads them itself."""
        return self

    def read(self, message):
        """The events of a message."""
        return events(message) or [opaque_payload(message)]

    def write(self, message, changes):
        """The message with other values in its pairs."""
        lines = message.payload.decode("utf-8", "replace").splitlines(keepends=True)
        if not events(message):
            return None
        for number, change in enumerate(changes):
            for (key, *_), new in change.items():
                lines[number] = re.sub(rf"(?<= {key}=)\S*", lambda _, new=new: str(new), lines[number], count=1)
        return "".join(lines).encode()

    def identifiers(self, direction, label):
        """The room joins events, whatever its field is called elsewhere."""
        return [("room", "/room")]


def events(message):
    """Return the events of a message, none when it has another form."""
    lines = message.payload.decode("utf-8", "replace").splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    if None in found:
        return []
    return [Payload(label=match[1], value=dict(pair.split("=", 1) for pair in match[2].split())) for match in found]
