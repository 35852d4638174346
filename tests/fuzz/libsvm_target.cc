#include "tests/fuzz/sparse_records.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {

int FuzzLibsvm(const uint8_t* data, size_t size) {
  static const testing::WantedColumns kWanted = {
      testing::AsNumber("label"), testing::AsText("qid"), testing::AsCategories("indices"),
      testing::AsNumber("3"),     testing::AsText("3"),   testing::AsCategories("11")};
  ReadRecords(worker::data::kLibsvm, testing::ParseText("missing: \"-1\""), kWanted, data, size);
  return 0;
}

std::vector<std::string> LibsvmSeeds() {
  return {"+1 3:1 11:1 14:0\n-1 5:1 7:1\n", "# by hand\n\n2 qid:10 11:1 3:1e0 # doc\r\n0\r\n",
          "0\t3:-1\t4:1"};
}

}  // namespace zhiyin::fuzz
