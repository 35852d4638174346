#include "common/tsv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "common/random.h"

namespace zhiyin {
namespace {

std::string TextOfCell(std::string_view cell) {
  std::string text;
  EXPECT_TRUE(AppendTsvText(cell, &text)) << cell;
  return text;
}

TEST(Tsv, EscapesWhatACellCannotHold) {
  EXPECT_EQ(TsvCell("tea"), "tea");
  EXPECT_EQ(TsvCell("知音 and \"tea\""), "知音 and \"tea\"");
  EXPECT_EQ(TsvCell("a\tb\nc\rd\\e"), "a\\tb\\nc\\rd\\\\e");
  EXPECT_EQ(TsvCell(" a "), "\\x20a\\x20");
  EXPECT_EQ(TsvCell("\"a\""), "\\x22a\"");
  EXPECT_EQ(TsvCell("\x1b[1m\x7f"), "\\x1b[1m\\x7f");
  EXPECT_EQ(TsvCell(""), "");
}

TEST(Tsv, AnyTextIsReadBackFromOneCell) {
  Random random(1);
  constexpr std::string_view kLetters = "\t\n\r\\ \"xtn20a|,\x01\x7f";
  for (int n = 0; n < 1000; ++n) {
    std::string text;
    for (uint64_t i = random.Below(8); i > 0; --i) text += kLetters[random.Below(kLetters.size())];
    const std::string cell = TsvCell(text);
    EXPECT_EQ(TextOfCell(cell), text);
    EXPECT_TRUE(std::none_of(cell.begin(), cell.end(), [](char c) { return c < 0x20; })) << cell;
  }
  const std::string long_text(20'000, '\t');
  EXPECT_EQ(TextOfCell(TsvCell(long_text)), long_text);
}

TEST(Tsv, RefusesABackslashThatIsNoEscape) {
  std::string text;
  for (const char* cell : {"\\", "a\\", "\\q", "\\x", "\\x2", "\\xg0", "\\x00", "\\xff", "\\x-1"})
    EXPECT_FALSE(AppendTsvText(cell, &text)) << cell;
}

}  // namespace
}  // namespace zhiyin
