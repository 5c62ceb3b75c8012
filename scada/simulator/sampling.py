"""When a simulated charger measures: sampled, clock-aligned, at the ends of a transaction (OCPP 1.6 3.16). Sync."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scada.simulator.configuration import Configuration
from scada.simulator.outlet import Outlet, Transaction
from scada.simulator.queue import Message, TransactionQueue
from scada.simulator.samples import meter_value, signed_sample

FIRST_SAMPLE_S = 2.0
"""After the start of a transaction, so that its first values do not take a whole interval."""
DATA_MAX = 100
"""Meter values kept for one StopTransaction; at it every second one goes (OCPP 1.6 3.16.2)."""


class Sampler:
    """Takes the meter values of one charger.

    Args:
        tell: takes a message that is of the moment.
        queue: takes those of a transaction.
    """

    def __init__(
        self,
        outlets: Mapping[int, Outlet],
        configuration: Configuration,
        queue: TransactionQueue,
        now: Callable[[], str],
        tell: Callable[[str, dict[str, Any]], bool],
    ) -> None:
        self._outlets, self._configuration, self._queue = outlets, configuration, queue
        self._now, self._tell = now, tell
        self._sample_s: dict[int, float] = {}
        self._aligned_s = 0.0

    def booted(self) -> None:
        """The first clock-aligned values come soon, so that an observer sees some."""
        self._aligned_s = float(self._configuration.number("ClockAlignedDataInterval"))

    def started(self, number: int) -> None:
        """A transaction begins."""
        self._sample_s[number] = FIRST_SAMPLE_S
        outlet = self._outlets[number]
        if outlet.state.transaction is not None:
            self._keep(outlet, outlet.state.transaction, "Transaction.Begin", "StopTxnSampledData")

    def ended(self, number: int, transaction: Transaction) -> list[dict[str, Any]]:
        """A transaction ends: its transactionData."""
        self._keep(self._outlets[number], transaction, "Transaction.End", "StopTxnSampledData")
        return transaction.data

    def step(self, real_s: float) -> bool:
        """Let time pass; returns whether something went into the queue."""
        queued = False
        interval_s = self._configuration.number("MeterValueSampleInterval")
        for number, outlet in self._outlets.items():
            transaction = outlet.state.transaction
            if transaction is None or not interval_s:
                continue
            left_s = self._sample_s.get(number, 0.0) - real_s
            if left_s <= 0:
                left_s = max(left_s + interval_s, 0.0)
                queued |= self._queue_values(outlet, transaction, "MeterValuesSampledData", "Sample.Periodic")
                self._keep(outlet, transaction, "Sample.Periodic", "StopTxnSampledData")
            self._sample_s[number] = left_s
        return self._align(real_s) or queued

    def measure(self, number: int, context: str) -> None:
        """Tell the values of one connector at once."""
        outlet = self._outlets[number]
        key = "MeterValuesAlignedData" if context == "Sample.Clock" else "MeterValuesSampledData"
        value = self._value(outlet, key, context)
        if not value["sampledValue"]:
            return
        payload: dict[str, Any] = {"connectorId": number, "meterValue": [value]}
        if outlet.state.transaction is not None and outlet.state.transaction.id is not None:
            payload["transactionId"] = outlet.state.transaction.id
        self._tell("MeterValues", payload)

    def _align(self, real_s: float) -> bool:
        interval_s = self._configuration.number("ClockAlignedDataInterval")
        if not interval_s:
            return False
        self._aligned_s += real_s
        if self._aligned_s < interval_s:
            return False
        self._aligned_s = 0.0
        queued = False
        for number, outlet in self._outlets.items():
            transaction = outlet.state.transaction
            if transaction is None:
                self.measure(number, "Sample.Clock")
            else:
                queued |= self._queue_values(outlet, transaction, "MeterValuesAlignedData", "Sample.Clock")
                self._keep(outlet, transaction, "Sample.Clock", "StopTxnAlignedData")
            outlet.interval_from_wh = outlet.state.register_wh
        return queued

    def _queue_values(self, outlet: Outlet, transaction: Transaction, key: str, context: str) -> bool:
        value = self._value(outlet, key, context)
        if not value["sampledValue"]:
            return False
        payload: dict[str, Any] = {"connectorId": outlet.number, "meterValue": [value]}
        if transaction.id is not None:
            payload["transactionId"] = transaction.id
        self._queue.put(Message("MeterValues", payload, transaction.key))
        return True

    def _keep(self, outlet: Outlet, transaction: Transaction, context: str, key: str) -> None:
        """Keep values for StopTransaction; signed ones at the ends, where they are wanted."""
        value = self._value(outlet, key, context)
        if context.startswith("Transaction.") and self._configuration.flag("SignedMeterValues"):
            value["sampledValue"].append(signed_sample(outlet, value["timestamp"], context))
        if not value["sampledValue"]:
            return
        transaction.data.append(value)
        if len(transaction.data) > DATA_MAX:
            transaction.data[:] = [transaction.data[0], *transaction.data[1:-1:2], transaction.data[-1]]

    def _value(self, outlet: Outlet, key: str, context: str) -> dict[str, Any]:
        configuration = self._configuration
        phases = configuration.text("MeterValuesPhases")
        return meter_value(outlet, configuration.texts(key), self._now(), context, phases)
