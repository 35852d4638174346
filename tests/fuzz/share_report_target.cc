#include "common/bytes.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/train/share_report.h"

namespace zhiyin::fuzz {

int FuzzShareReport(const uint8_t* data, size_t size) {
  Judge("a report of a share", [&] {
    const worker::train::ShareReport reports[] = {
        worker::train::ShareReport::Parse({reinterpret_cast<const char*>(data), size}),
        worker::train::ShareReport()};
    worker::train::MisreadShares(reports);
  });
  return 0;
}

std::vector<std::string> ShareReportSeeds() {
  worker::train::ShareReport report;
  report.end_unit = 7;
  report.findings.n_records = 20;
  report.findings.ends = {{0, 0}, {2, 900}, 12};
  report.findings.file_begins = {{0, 0}, {1, 5}, {2, 8}};
  report.is_kept = true;
  return {worker::train::ShareReport().Serialize(), report.Serialize()};
}

}  // namespace zhiyin::fuzz
