"""Draw a lifecycle of your own, and the path of a run through it."""

from __future__ import annotations

from fsm import Run, event
from fsm.diagrams import mermaid
from states import Failed, Pending, Running, Success


class Delivery(Run):
    """A parcel under way."""

    send = event(Running, source=Pending)
    arrive = event(Success, source=Running)
    lose = event(Failed, source=Running)
    find = event(Running, source=Failed)


parcel = Delivery("parcel 7")
parcel.send()
parcel.lose()
parcel.find()
parcel.arrive()

print(Delivery.lifecycle.matrix())  # mermaid(Delivery), dot(...) and svg(...) draw it
print(mermaid(parcel))  # GitHub shows this in Markdown as a picture

#             send   arrive    lose     find
# Pending  Running        ·       ·        ·
# Running        ·  Success  Failed        ·
# Success        ·        ·       ·        ·
# Failed         ·        ·       ·  Running
#
# stateDiagram-v2
#     direction TB
#     [*] --> s0
#     state "Pending" as s0
#     state "Running" as s1
#     state "Success" as s2
#     state "Failed" as s3
#     s0 --> s1 : #160;1#58;#160;send#160;
#     s1 --> s3 : #160;2#58;#160;lose#160;
#     s3 --> s1 : #160;3#58;#160;find#160;
#     s1 --> s2 : #160;4#58;#160;arrive#160;
#     s2 --> [*]
#     classDef s0 fill:#7ebdff,color:#111111
#     class s0 s0
#     classDef s1 fill:#3d67ff,color:#ffffff
#     class s1 s1
#     classDef s2 fill:#28a745,color:#111111,stroke:#bf3989,stroke-width:4px
#     class s2 s2
#     classDef s3 fill:#eb0000,color:#ffffff
#     class s3 s3
