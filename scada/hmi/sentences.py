"""What core, drivers and services answer in English sentences, in the reader's language."""

from __future__ import annotations

from scada.i18n import Sentences, Translate, marked

_ = marked

SENTENCES = Sentences(
    (
        _(
            "a firmware file is named with letters, digits, '.', '_' and '-', at most {count}, "
            "and does not end with {endings}"
        ),
        _("a firmware file has at most {count} bytes"),
        _("{count} chargers may be fetching {name}: wait until they are done"),
        _("the file is empty"),
        _("nothing of the file came for {seconds} s"),
        _("the charger answered {status}"),
        _("the connector is {status}"),
        _("transaction {id} runs on this connector"),
        _("transaction {id} runs"),
        _("transaction {id} stopped ({reason})"),
        _("{count} keys"),
        _("{count} keys, unknown: {unknown}"),
        _("no outcome within {seconds} s"),
        _("needs the right '{right}'"),
        _("{user} does not have the right '{right}'"),
        _("not on disk after {seconds} s"),
        _("older records cannot be read now: {reason}"),
        _("there is no alarm {path}"),
        _("a comment has at most {count} characters"),
        _("internal error: {name}"),
        _("too many failures: try again in {seconds} s"),
        _("there is no tag {path}"),
        _("{path} is read-only"),
        _("{path} is not forced"),
        _("{path} is a bit: true or false"),
        _("{path} is a register: a number"),
        _("{path} takes a finite number"),
        _("{path} takes one of: {choices}"),
        _("{path} takes {range}"),
        _("{path} cannot be reset: its cause is still there"),
        _("{branch} is not out of service itself"),
        _("there is no alarm at {branch} or below it"),
        _("shelving ends between now and {days} days from now"),
        _("at most {count} alarms at once"),
        _("{user} may {right} alarms of level {low} to {high}; {path} has {level}"),
        _("{command} needs '{argument}'"),
        _("{count} files are being made for you: wait for one, or cancel it"),
        _("the report was not done after {seconds} s: choose a shorter span"),
        _("{command}: '{argument}' has at most {count} characters"),
        _("there is a user '{name}' already"),
        _("there is no user '{name}'"),
        _("there is no role '{name}', known: {roles}"),
        _("there are {count} accounts already"),
        _("there is no ticket {number}"),
        _("'{name}' is a number from {low} to {high}"),
        _("'{name}' is a whole number"),
        _("'{name}' is no time"),
        _("$.profiles: 1 to {count} profiles"),
        _("$.profiles[{number}].connectorId: a whole number"),
        _("a message has at most {count} characters"),
        _("{where}: this is no JSON"),
        _("there is no site {path}"),
        _("{site} has no mode {name}"),
        _("{site} is being switched now: wait until that has ended"),
        _("there is no site, charger, connector or meter {path}"),
        _("there are {count} open tickets: close some first"),
        _("a ticket has at most {count} notes: open another one"),
        _("a text has at most {count} characters"),
        _("a password has {low} to {high} characters"),
        _("a password has at most {count} characters"),
    )
)
"""Sentences of core and drivers that can be read by an operator."""

PLAIN_SENTENCES = (
    _("user name or password is wrong"),
    _("This request did not come from the log-in page."),
    _("the charger will do it after the running transaction"),
    _("accepted, but the connector does not report it"),
    _("accepted, but no transaction began (is a vehicle plugged in?)"),
    _("no transaction runs on this connector"),
    _("accepted, but the transaction goes on"),
    _("accepted, but the charger has not booted"),
    _("the charger has booted"),
    _("the charger accepted"),
    _("the connector is unlocked"),
    _("this charger has no lock that we may open"),
    _("the lock did not open"),
    _("no driver serves this charger"),
    _("too much waits to be written to disk"),
    _("a reason is needed"),
    _("a comment needs words"),
    _("the end lies in the past"),
    _("give the time at which it ends"),
    _("nothing is selected"),
    _("this file is not there any more: make it again"),
    _("the span must end after it begins"),
    _("a report covers at most three years"),
    _("this contact has no address"),
    _("This request did not come from this page."),
    _("a user name has 1 to 100 printable characters and does not begin with '<'"),
    _("this is the last administrator"),
    _("the present password is wrong"),
    _("the new password is the present one"),
    _("the two new passwords differ"),
    _("there is no such language"),
    _("this system keeps no accounts"),
    _("this system keeps no tickets"),
    _("this system keeps no shift log"),
    _("a ticket needs a title"),
    _("$: a message is an object"),
    _("no driver of this system sends messages"),
    _("this system has no campaigns"),
    _("this system lets no unknown chargers wait"),
    _("an entry needs words"),
    _("nothing is changed"),
    _("this system has no modes"),
    _("the program ended before the outcome was known"),
)
"""The same without places."""


def sentence(text: str, tr: Translate) -> str:
    """An English sentence of core or driver in the reader's language."""
    return SENTENCES.translate(text, tr)
