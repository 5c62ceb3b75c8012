"""On-call: who is told of what, when and how, until somebody answers. Pure; `OnCall` is the door.

| file | idea |
| --- | --- |
| `wall` | times of day in a zone ↔ moments, over every change of the clocks |
| `rota` | who is on duty at a moment, and the spans of duty |
| `people` | names → contacts and their addresses; quiet hours |
| `post` | outbox records: Message-IDs, conversations, earliest time of sending |
| `profiles` | which profiles an alarm's transition is for |
| `escalation` | steps and repeats of what nobody has answered |
| `chatter` | alarms that come and go too fast are told once |
| `notices` | messages about what devices do |
| `reports` | messages at a time of day |
| `agenda` | what is due next |

What is told is decided here and returned as records, which are journalled with their cause; what is written
in a message is made when it is sent (`scada.notify`).
"""

from scada.alarming.oncall.facts import snapshot
from scada.alarming.oncall.oncall import OnCall
from scada.alarming.oncall.post import MAIL_PATH
from scada.alarming.oncall.rota import Roster

__all__ = ["MAIL_PATH", "OnCall", "Roster", "snapshot"]
