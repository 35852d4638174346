#include "common/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace zhiyin {
namespace {

constexpr size_t kNone = std::string_view::npos;

TEST(Utf8, AcceptsTextOfAllLengths) {
  for (const char* text : {"", "a", "plain and longer than eight", "知音", "é", "\xf4\x8f\xbf\xbf",
                           "\xed\x9f\xbf", "naïve 知 and on and on"}) {
    EXPECT_EQ(FindInvalidUtf8(text), kNone) << text;
  }
}

TEST(Utf8, RefusesWhatIsNotText) {
  for (const char* bytes :
       {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "\xe7\x9f", "\xe7\x9f\x61"}) {
    for (const size_t n_before : {0u, 3u, 7u, 8u, 21u}) {
      EXPECT_EQ(FindInvalidUtf8(std::string(n_before, 'a') + bytes + "and so on"), n_before);
      EXPECT_EQ(FindInvalidUtf8(std::string(n_before, 'a') + bytes), n_before);
    }
  }
}

TEST(Utf8Beginning, EndsWithAWholeCharacter) {
  EXPECT_EQ(Utf8Beginning("abc", 3), "abc");
  EXPECT_EQ(Utf8Beginning("abcd", 3), "abc");
  EXPECT_EQ(Utf8Beginning("知音", 6), "知音");
  EXPECT_EQ(Utf8Beginning("知音", 5), "知");
  EXPECT_EQ(Utf8Beginning("知音", 2), "");
}

}  // namespace
}  // namespace zhiyin
