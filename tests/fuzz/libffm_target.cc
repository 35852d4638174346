#include "tests/fuzz/sparse_records.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {

int FuzzLibffm(const uint8_t* data, size_t size) {
  static const testing::WantedColumns kWanted = {
      testing::AsText("label"), testing::AsCategories("0"), testing::AsText("1"),
      testing::AsNumber("2.value"), testing::AsText("2.value")};
  ReadRecords(worker::data::kLibffm, testing::ParseText("missing: \"-1\""), kWanted, data, size);
  return 0;
}

std::vector<std::string> LibffmSeeds() {
  return {"1 0:3:1 1:117:0 2:9:0.125\n0 0:4:1 0:5:1 3:40:2\n", "1\t2:9:-1\r\n\r\n-1 1:7:1\r\n",
          "1"};
}

}  // namespace zhiyin::fuzz
