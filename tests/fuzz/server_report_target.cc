#include "ps/protocol.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {

int FuzzServerReport(const uint8_t* data, size_t size) {
  Judge("report of a server", [&] {
    const ps::ServerReport report =
        ps::ServerReport::Parse({reinterpret_cast<const char*>(data), size});
    ps::ServerReport all;
    for (int server = 0; server < 3; ++server) all.Merge(report);
    all.Serialize();
  });
  return 0;
}

std::vector<std::string> ServerReportSeeds() {
  ps::ServerReport report;
  const std::string empty = report.Serialize();
  report.tables = {{"dense", 1, 10, {}}, {"users", 5, 50, {}}};
  report.CountNonFinite(3, "users", 2);
  report.n_pulled_keys = 7;
  report.n_pushed_keys = 8;
  report.n_peeked_keys = 9;
  report.staleness.assign(ps::ServerReport::kStalenessBins, 2);
  const std::string counts = report.Serialize();
  report.stage_s.assign(ps::kServerStageNames.size(), 0.25);
  return {empty, counts, report.Serialize()};
}

}  // namespace zhiyin::fuzz
