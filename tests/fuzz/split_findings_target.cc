#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/data/split_summary.h"

namespace zhiyin::fuzz {

int FuzzSplitFindings(const uint8_t* data, size_t size) {
  Judge("findings of a pass", [&] {
    worker::data::SplitFindings findings =
        worker::data::SplitFindings::Parse({reinterpret_cast<const char*>(data), size});
    findings.summary.Merge(worker::data::SplitSummary(findings.summary));
    for (const worker::data::ExactMoments& moments : findings.summary.numerics)
      moments.Rounded().Stddev();
    findings.summary.RoundedLabelSums();
    const worker::data::RecordRuns parts[] = {findings.records};
    worker::data::RecordCounts(worker::data::RecordRuns::Join(parts, "findings of a pass"));
  });
  return 0;
}

std::vector<std::string> SplitFindingsSeeds() {
  worker::data::SplitFindings findings;
  worker::data::SplitSummary& summary = findings.summary;
  worker::data::Examples rows(0, 2, 2);
  rows.n = 2;
  rows.numerics = {1.5, -1e6, 2.25, kMissing};
  rows.labels = {1, kMissing, 0, kMissing};
  summary.Add(rows);
  summary.AddBad({2, "file:", 3, "2 columns, expected 4", false});
  summary.joins = worker::data::JoinMatches(1);
  summary.joins.n_lines = 2;
  summary.joins.n_looked_up[0] = 2;
  summary.joins.n_found[0] = 1;
  summary.seen = {1, 0};
  findings.records.Append(2, 1);
  findings.records.Append(1, 0);
  worker::data::SplitFindings whole;
  whole.records.Append(3, 0);
  return {worker::data::SplitFindings().Serialize(), findings.Serialize(), whole.Serialize()};
}

}  // namespace zhiyin::fuzz
