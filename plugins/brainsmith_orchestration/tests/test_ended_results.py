"""Results of ended builds come back equal, packed or not."""

from __future__ import annotations

from brainsmith_core.result import BuildResult, BuildStatus, ErrorReport
from brainsmith_orchestration.ended_results import EndedResults


def test_old_results_come_back_equal_though_they_are_packed() -> None:
    results = EndedResults()
    given = {}
    for number in range(200):
        error = ErrorReport(category="timing", message="too \ud800 slow") if number % 2 else None
        status = BuildStatus.FAILED if error else BuildStatus.SUCCESS
        result = BuildResult(config_id=str(number), status=status, error=error, provenance={"n": [number, None]})
        given[result.config_id] = result
        results.add(result)
    assert all(name in results and results.get(name) == result for name, result in given.items())
    assert "200" not in results
    assert results.get("200") is None


def test_a_later_result_of_the_same_build_takes_the_place_of_a_packed_one() -> None:
    results = EndedResults()
    for number in range(100):
        results.add(BuildResult(config_id=str(number)))
    for name in ("0", "99"):
        results.add(BuildResult(config_id=name, status=BuildStatus.SUCCESS))
    for number in range(100, 200):
        results.add(BuildResult(config_id=str(number)))
    for name in ("0", "99"):
        found = results.get(name)
        assert found is not None
        assert found.succeeded
