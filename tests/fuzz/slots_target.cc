#include "tests/fuzz/sparse_records.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {

/// The first bit tells on which side of a token its slot is, the second whether values stand before
/// the tokens; the rest is the file.
int FuzzSlots(const uint8_t* data, size_t size) {
  static const testing::WantedColumns kWanted = {
      testing::AsText("id"), testing::AsCategories("210"), testing::AsNumber("dense[1]"),
      testing::AsText("216")};
  const uint8_t choice = size > 0 ? data[0] : 0;
  Text text;
  text.mutable_slots()->set_feasign_first((choice & 1) != 0);
  if ((choice & 2) != 0) {
    text.add_column_name("id");
    text.add_column_name("click");
  }
  const size_t n = size > 0 ? 1 : 0;
  ReadRecords(worker::data::kSlots, text, kWanted, data + n, size - n);
  return 0;
}

std::vector<std::string> SlotsSeeds() {
  return {"0210:1 210:2 216:4 dense:0.5 dense:1\nx:y:z\n", "11:210 2:210\thttp://a/:url\r\n",
          "21,0,210:1,210:2 216:4\n2,1\n", "3u;0;1:210;4:216\n"};
}

}  // namespace zhiyin::fuzz
