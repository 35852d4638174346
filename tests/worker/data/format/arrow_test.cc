// Records from arrays that are made by hand; arrow_plugin_test.cc has files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "common/error.h"
#include "tests/support/arrow_tables.h"
#include "worker/data/format/arrow_column.h"
#include "worker/data/format/arrow_records.h"
#include "worker/data/format/format.h"
#include "worker/data/line_reader.h"

namespace zhiyin::worker::data {
namespace {

using testing::ArrowBatch;
using testing::BatchOf;
using testing::BitsOf;
using testing::BytesOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NumberColumn;
using testing::TableOf;
using testing::TextColumn;
using Use = WantedColumn::Use;

constexpr const char* kPath = "hand.arrow";

/// A value as text: - for a missing one, #1.5 for a number, [a|b] for a list.
std::string ShownArrow(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kMissing:
      return "-";
    case Value::Kind::kText:
      return std::string(value.text());
    case Value::Kind::kNumber: {
      std::ostringstream out;
      out.precision(17);
      out << "#" << value.number();
      return out.str();
    }
    case Value::Kind::kList: {
      std::string shown;
      for (const std::string_view text : value.list())
        shown += (shown.empty() ? "[" : "|") + std::string(text);
      return shown + "]";
    }
  }
  return "?";
}

/// The values of a column, or "! " and what is wrong with the record.
std::vector<std::string> ColumnOf(const std::vector<ArrowBatch>& batches, const std::string& name,
                                  Use use) {
  const std::vector<WantedColumn> wanted = {{name, use}};
  const auto reader = ReadArrowRecords(TableOf(kPath, batches, {}), wanted);
  std::vector<std::string> shown;
  Record record;
  while (reader->Next(&record)) {
    shown.push_back(record.wrong.empty() ? ShownArrow(record.values.at(0)) : "! " + record.wrong);
    EXPECT_EQ(record.number, static_cast<int64_t>(shown.size()));
  }
  return shown;
}
std::vector<std::string> ColumnOf(const ArrowBatch& column, Use use) {
  return ColumnOf(std::vector{BatchOf({column})}, column.name, use);
}

std::string ErrorOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}
std::string ErrorOf(const ArrowBatch& column, const std::string& name) {
  return ErrorOf([&] { ColumnOf(std::vector{BatchOf({column})}, name, Use::kCategories); });
}

ArrowBatch WithNulls(ArrowBatch column, const std::vector<bool>& valid) {
  column.null_count = -1;
  column.buffers[0] = BitsOf(valid);
  return column;
}

TEST(ArrowRecords, IntegersOfAllWidthsAreText) {
  EXPECT_THAT(ColumnOf(NumberColumn<int8_t>("x", "c", {-128, 127}), Use::kText),
              ElementsAre("-128", "127"));
  EXPECT_THAT(ColumnOf(NumberColumn<uint8_t>("x", "C", {0, 255}), Use::kText),
              ElementsAre("0", "255"));
  EXPECT_THAT(ColumnOf(NumberColumn<int16_t>("x", "s", {-32768}), Use::kText),
              ElementsAre("-32768"));
  EXPECT_THAT(ColumnOf(NumberColumn<uint16_t>("x", "S", {65535}), Use::kText),
              ElementsAre("65535"));
  EXPECT_THAT(ColumnOf(NumberColumn<int32_t>("x", "i", {INT32_MIN}), Use::kCategories),
              ElementsAre("-2147483648"));
  EXPECT_THAT(ColumnOf(NumberColumn<uint32_t>("x", "I", {UINT32_MAX}), Use::kCategories),
              ElementsAre("4294967295"));
  EXPECT_THAT(ColumnOf(NumberColumn<int64_t>("x", "l", {INT64_MIN, INT64_MAX}), Use::kText),
              ElementsAre("-9223372036854775808", "9223372036854775807"));
  EXPECT_THAT(ColumnOf(NumberColumn<uint64_t>("x", "L", {UINT64_MAX}), Use::kText),
              ElementsAre("18446744073709551615"));
  EXPECT_THAT(ColumnOf(NumberColumn<int32_t>("x", "i", {-7, 8}), Use::kNumber),
              ElementsAre("#-7", "#8"));
}

TEST(ArrowRecords, FloatsAreThoseOfACsv) {
  EXPECT_THAT(ColumnOf(NumberColumn<float>("x", "f", {0.1f, 3.0f, -2.5f}), Use::kNumber),
              ElementsAre("#0.10000000000000001", "#3", "#-2.5"));
  EXPECT_THAT(ColumnOf(NumberColumn<float>("x", "f", {0.1f, 3.0f}), Use::kText),
              ElementsAre("0.1", "3"));
  EXPECT_THAT(ColumnOf(NumberColumn<double>("x", "g", {0.1, 1e300}), Use::kText),
              ElementsAre("0.1", "1e+300"));
  EXPECT_THAT(ColumnOf(NumberColumn<double>("x", "g", {0.1}), Use::kNumber),
              ElementsAre("#0.10000000000000001"));
  EXPECT_THAT(ColumnOf(NumberColumn<uint16_t>("x", "e", {0x2e66}), Use::kText), ElementsAre("0.1"));
  EXPECT_THAT(ColumnOf(NumberColumn<uint16_t>("x", "e", {0x3e00}), Use::kNumber),
              ElementsAre("#1.5"));
}

TEST(ArrowRecords, NullsAreMissingAndOffsetsCount) {
  ArrowBatch column =
      WithNulls(NumberColumn<int32_t>("x", "i", {1, 2, 3, 4}), {true, true, false, true});
  EXPECT_THAT(ColumnOf(column, Use::kText), ElementsAre("1", "2", "-", "4"));
  column.offset = 1;
  column.length = 3;
  EXPECT_THAT(ColumnOf(column, Use::kNumber), ElementsAre("#2", "-", "#4"));
  // A bitmap that is not counted does not matter.
  column.null_count = 0;
  EXPECT_THAT(ColumnOf(column, Use::kNumber), ElementsAre("#2", "#3", "#4"));
  EXPECT_THAT(ColumnOf({.format = "n", .name = "x", .length = 2}, Use::kText),
              ElementsAre("-", "-"));
}

TEST(ArrowRecords, BoolsAreTrueAndFalseOrOneAndZero) {
  const ArrowBatch column = {.format = "b",
                             .name = "x",
                             .length = 9,
                             .offset = 1,
                             .buffers = {std::nullopt, BitsOf({true, false, true, false, false,
                                                               false, false, false, false, true})}};
  EXPECT_THAT(ColumnOf(column, Use::kText), ElementsAre("false", "true", "false", "false", "false",
                                                        "false", "false", "false", "true"));
  EXPECT_THAT(ColumnOf(column, Use::kNumber),
              ElementsAre("#0", "#1", "#0", "#0", "#0", "#0", "#0", "#0", "#1"));
}

TEST(ArrowRecords, TimesAreSecondsSince1970) {
  const auto times = [](const char* format, std::vector<int64_t> numbers) {
    return NumberColumn<int64_t>("x", format, numbers);
  };
  EXPECT_THAT(ColumnOf(times("tss:", {1'700'000'000}), Use::kText), ElementsAre("1700000000"));
  EXPECT_THAT(ColumnOf(times("tsn:UTC", {1'700'000'000'123'456'789}), Use::kText),
              ElementsAre("1700000000.123456789"));
  EXPECT_THAT(ColumnOf(times("tsu:Asia/Tokyo", {-1}), Use::kText), ElementsAre("-0.000001"));
  EXPECT_THAT(ColumnOf(times("tdm", {86'400'000}), Use::kText), ElementsAre("86400"));
  EXPECT_THAT(ColumnOf(times("ttu", {1'500'000}), Use::kNumber), ElementsAre("#1.5"));
  EXPECT_THAT(ColumnOf(times("tDm", {2500}), Use::kNumber), ElementsAre("#2.5"));
  EXPECT_THAT(ColumnOf(NumberColumn<int32_t>("x", "tdD", {19'675, -1}), Use::kText),
              ElementsAre("1699920000", "-86400"));
  EXPECT_THAT(ColumnOf(NumberColumn<int32_t>("x", "ttm", {1001}), Use::kText),
              ElementsAre("1.001"));
}

TEST(ArrowRecords, DecimalsAreExact) {
  EXPECT_THAT(ColumnOf(NumberColumn<int64_t>("x", "d:10,2,64", {500, -5}), Use::kText),
              ElementsAre("5.00", "-0.05"));
  EXPECT_THAT(ColumnOf(NumberColumn<int32_t>("x", "d:5,1,32", {15}), Use::kNumber),
              ElementsAre("#1.5"));
  ArrowBatch wide = NumberColumn<uint64_t>("x", "d:38,0", {0, 1, 7, 0});
  wide.length = 2;
  EXPECT_THAT(ColumnOf(wide, Use::kText), ElementsAre("18446744073709551616", "7"));
}

TEST(ArrowRecords, TextsAreBorrowedAndChecked) {
  const ArrowBatch column =
      TextColumn("x", {"a", std::nullopt, "", "\xc3\xa9", "b\xff", std::string("c\0", 2)});
  EXPECT_THAT(ColumnOf(column, Use::kCategories),
              ElementsAre("a", "-", "", "\xc3\xa9",
                          "! column \"x\": byte 1 is not UTF-8, expected UTF-8 text",
                          "! column \"x\": a NUL at byte 1, expected text"));
  EXPECT_THAT(ColumnOf(TextColumn("x", {"1.5"}), Use::kNumber), ElementsAre("1.5"));
  const std::string large(LineReader::kMaxBytes + 1, 'a');
  EXPECT_THAT(ColumnOf(TextColumn("x", {large, "b"}), Use::kText),
              ElementsAre(HasSubstr("a text of 1048577 bytes, expected at most 1048576"), "b"));
}

TEST(ArrowRecords, TextsOfOtherLayouts) {
  const ArrowBatch large = {.format = "U",
                            .name = "x",
                            .length = 2,
                            .offset = 1,
                            .buffers = {std::nullopt, BytesOf<int64_t>({0, 1, 3, 3}), "abc"}};
  EXPECT_THAT(ColumnOf(large, Use::kText), ElementsAre("bc", ""));
  const ArrowBatch fixed = {
      .format = "w:2", .name = "x", .length = 2, .buffers = {std::nullopt, "abcd"}};
  EXPECT_THAT(ColumnOf(fixed, Use::kText), ElementsAre("ab", "cd"));
  std::string views = BytesOf<int32_t>({3}) + "abc" + std::string(9, '\0');
  views += BytesOf<int32_t>({13}) + "0123" + BytesOf<int32_t>({0, 2});
  ArrowBatch view = {.format = "vu",
                     .name = "x",
                     .length = 2,
                     .buffers = {std::nullopt, views, "##0123456789abc", BytesOf<int64_t>({15})}};
  EXPECT_THAT(ColumnOf(view, Use::kText), ElementsAre("abc", "0123456789abc"));
  view.buffers[3] = BytesOf<int64_t>({14});
  EXPECT_THAT(ErrorOf(view, "x"), HasSubstr("a text is outside of its buffers"));
}

TEST(ArrowRecords, UuidsAreTheirText) {
  ArrowBatch column = {
      .format = "w:16",
      .name = "x",
      .length = 1,
      .buffers = {std::nullopt, "\xf8\x1d\x4f\xae\x7d\xec\x11\xd0\xa7\x65\x7f\xa0\xc9\x1e\x6b\xf6"},
      .extension = "arrow.uuid"};
  EXPECT_THAT(ColumnOf(column, Use::kText), ElementsAre("f81d4fae-7dec-11d0-a765-7fa0c91e6bf6"));
  column.extension = "another";
  EXPECT_THAT(ColumnOf(column, Use::kText), ElementsAre(HasSubstr("byte 0 is not UTF-8")));
}

TEST(ArrowRecords, DictionariesOfAnyIndex) {
  ArrowBatch column = NumberColumn<int8_t>("x", "c", {1, 0, 1, 2});
  column.dictionary = {TextColumn("", {"a", "b", std::nullopt})};
  EXPECT_THAT(ColumnOf(column, Use::kCategories), ElementsAre("b", "a", "b", "-"));
  ArrowBatch numbers = NumberColumn<uint64_t>("x", "L", {1, 0});
  numbers.dictionary = {NumberColumn<int64_t>("", "l", {10, 20})};
  EXPECT_THAT(ColumnOf(numbers, Use::kText), ElementsAre("20", "10"));
  EXPECT_THAT(ColumnOf(numbers, Use::kNumber), ElementsAre("#20", "#10"));
  column.dictionary = {TextColumn("", {"a", "b\xff", "c"})};
  EXPECT_THAT(ColumnOf(column, Use::kText),
              ElementsAre(HasSubstr("! column \"x\": byte 1"), "a", HasSubstr("! "), "c"));
  column.buffers[1] = BytesOf<int8_t>({0, -1, 0, 0});
  EXPECT_THAT(ErrorOf(column, "x"),
              HasSubstr("hand.arrow: column \"x\": corrupt batch, an index is outside of its "
                        "dictionary of 3 values"));
  // An index that nobody sees does not matter.
  EXPECT_THAT(ColumnOf(WithNulls(column, {true, false, true, true}), Use::kText),
              ElementsAre("a", "-", "a", "a"));
}

TEST(ArrowRecords, DictionariesMayBeLongerThanMemory) {
  constexpr int64_t kLong = int64_t{1} << 56;
  ArrowBatch column = NumberColumn<int64_t>("x", "l", {0, kLong - 1, 1 << 30, 0});
  column.dictionary = {{.format = "n", .length = kLong}};
  EXPECT_THAT(ColumnOf(column, Use::kText), ElementsAre("-", "-", "-", "-"));
  column.dictionary = {{.format = "w:0", .length = kLong, .buffers = {std::nullopt, ""}}};
  EXPECT_THAT(ColumnOf(column, Use::kText), ElementsAre("", "", "", ""));
  column.buffers[1] = BytesOf<int64_t>({0, kLong, 0, 0});
  EXPECT_THAT(ErrorOf(column, "x"), HasSubstr("an index is outside of its dictionary of"));

  std::vector<int8_t> numbers((1 << 20) + 1);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int8_t>(i % 100);
  column.buffers[1] = BytesOf<int64_t>({7, 1 << 20, 7, 0});
  column.dictionary = {NumberColumn<int8_t>("", "c", numbers)};
  EXPECT_THAT(ColumnOf(column, Use::kText), ElementsAre("7", "76", "7", "0"));
  EXPECT_THAT(ColumnOf(column, Use::kNumber), ElementsAre("#7", "#76", "#7", "#0"));
}

TEST(ArrowRecords, EveryBatchHasItsDictionary) {
  std::vector<ArrowBatch> batches;
  for (const char* text : {"a", "b", "c"}) {
    ArrowBatch column = NumberColumn<int32_t>("x", "i", {0, 0});
    column.dictionary = {TextColumn("", {text})};
    batches.push_back(BatchOf({column}));
  }
  EXPECT_THAT(ColumnOf(batches, "x", Use::kText), ElementsAre("a", "a", "b", "b", "c", "c"));
}

/// Lists of [1, 2], null, [], [3], [4, 5, 6] with the 5 null.
ArrowBatch Lists(const char* format = "+l") {
  const bool is_large = std::string_view(format) == "+L";
  ArrowBatch lists = {.format = format,
                      .name = "x",
                      .length = 5,
                      .null_count = 1,
                      .buffers = {BitsOf({true, false, true, true, true}),
                                  is_large ? BytesOf<int64_t>({0, 2, 2, 2, 3, 6})
                                           : BytesOf<int32_t>({0, 2, 2, 2, 3, 6})},
                      .children = {WithNulls(NumberColumn<int32_t>("item", "i", {1, 2, 3, 4, 5, 6}),
                                             {true, true, true, true, false, true})}};
  return lists;
}

TEST(ArrowRecords, ListsAreCategories) {
  for (const char* format : {"+l", "+L"}) {
    EXPECT_THAT(ColumnOf(Lists(format), Use::kCategories),
                ElementsAre("[1|2]", "-", "-", "[3]", "[4|6]"));
  }
  ArrowBatch views = Lists("+vl");
  views.buffers = {std::nullopt, BytesOf<int32_t>({4, 0, 0, 5, 0}),
                   BytesOf<int32_t>({2, 1, 0, 1, 3})};
  views.null_count = 0;
  EXPECT_THAT(ColumnOf(views, Use::kCategories), ElementsAre("[6]", "[1]", "-", "[6]", "[1|2|3]"));
  ArrowBatch fixed = Lists("+w:2");
  fixed.buffers.resize(1);
  fixed.length = 2;
  fixed.null_count = 0;
  fixed.offset = 1;
  EXPECT_THAT(ColumnOf(fixed, Use::kCategories), ElementsAre("[3|4]", "[6]"));
}

TEST(ArrowRecords, AListOfSeveralIsNoTextAndNoNumber) {
  EXPECT_THAT(
      ColumnOf(Lists(), Use::kNumber),
      ElementsAre("! column \"x\": a list of 2 items, expected one; \"[0]\" behind the name is "
                  "the first",
                  "-", "-", "#3", HasSubstr("a list of 3 items")));
  const std::vector<ArrowBatch> batch = {BatchOf({Lists()})};
  EXPECT_THAT(ColumnOf(batch, "x[0]", Use::kNumber), ElementsAre("#1", "-", "-", "#3", "#4"));
  EXPECT_THAT(ColumnOf(batch, "x[2]", Use::kText), ElementsAre("-", "-", "-", "-", "6"));
  EXPECT_THAT(ColumnOf(batch, "x[1]", Use::kCategories), ElementsAre("2", "-", "-", "-", "-"));
}

TEST(ArrowRecords, LongListsAreReadInParts) {
  constexpr int32_t kItems = 100'000;
  std::vector<int32_t> items(4 * kItems);
  for (size_t i = 0; i < items.size(); ++i) items[i] = static_cast<int32_t>(i);
  ArrowBatch lists = {
      .format = "+l",
      .name = "x",
      .length = 4,
      .buffers = {std::nullopt, BytesOf<int32_t>({0, kItems, 2 * kItems, 3 * kItems, 4 * kItems})},
      .children = {NumberColumn<int32_t>("item", "i", items)}};
  const auto reader = ReadArrowRecords(TableOf(kPath, {BatchOf({lists})}, {}),
                                       std::vector<WantedColumn>{{"x", Use::kCategories}});
  Record record;
  for (int32_t row = 0; row < 4; ++row) {
    ASSERT_TRUE(reader->Next(&record));
    ASSERT_EQ(record.values[0].list().size(), size_t{kItems});
    EXPECT_EQ(record.values[0].list()[0], std::to_string(row * kItems));
    EXPECT_EQ(record.values[0].list()[kItems - 1], std::to_string((row + 1) * kItems - 1));
  }
  lists.length = 1;
  lists.buffers[1] = BytesOf<int32_t>({0, ArrowColumn::kMaxListItems + 1});
  lists.children = {{.format = "n", .length = ArrowColumn::kMaxListItems + 1}};
  EXPECT_THAT(ColumnOf(lists, Use::kCategories),
              ElementsAre(HasSubstr("a list of 1048577 items, expected at most 1048576")));
}

TEST(ArrowRecords, FieldsOfStructs) {
  ArrowBatch inner = {.format = "+s",
                      .name = "b",
                      .length = 4,
                      .null_count = -1,
                      .offset = 1,
                      .buffers = {BitsOf({true, true, true, false, true})},
                      .children = {NumberColumn<int32_t>("c", "i", {0, 1, 2, 3, 4, 5})}};
  const ArrowBatch outer = {.format = "+s",
                            .name = "a",
                            .length = 3,
                            .null_count = 1,
                            .offset = 1,
                            .buffers = {BitsOf({true, true, true, false})},
                            .children = {inner}};
  // Row r is value r + 1 of the inner struct, which is value r + 2 of the integers. Row 1 is null
  // in the inner struct, row 2 in the outer one.
  EXPECT_THAT(ColumnOf(std::vector{BatchOf({outer})}, "a.b.c", Use::kText),
              ElementsAre("2", "-", "-"));
  EXPECT_THAT(ErrorOf(outer, "a.b"),
              HasSubstr("column \"a.b\" is a struct, expected one of its fields: \"a.b.c\""));
  // A column that has the whole name comes first.
  EXPECT_THAT(
      ColumnOf(std::vector{BatchOf({outer, NumberColumn<int32_t>("a.b.c", "i", {7, 8, 9})})},
               "a.b.c", Use::kText),
      ElementsAre("7", "8", "9"));
}

TEST(ArrowRecords, BadTextWithinANullStructDoesNotMatter) {
  const ArrowBatch outer = {.format = "+s",
                            .name = "a",
                            .length = 2,
                            .null_count = 1,
                            .buffers = {BitsOf({false, true})},
                            .children = {TextColumn("b", {"\xff", "good"})}};
  EXPECT_THAT(ColumnOf(std::vector{BatchOf({outer})}, "a.b", Use::kText), ElementsAre("-", "good"));
}

TEST(ArrowRecords, RefusesColumnsThatItCannotRead) {
  EXPECT_EQ(ErrorOf(TextColumn("city", {"a"}), "citty"),
            "hand.arrow: has no column \"citty\"; the nearest is \"city\"");
  const auto refused = [](const char* format, std::vector<ArrowBatch> children) {
    return ErrorOf({.format = format, .name = "x", .children = std::move(children)}, "x");
  };
  const ArrowBatch item = NumberColumn<int32_t>("item", "i", {});
  EXPECT_THAT(refused("+m", {item}), HasSubstr("column \"x\" is a map, expected text, numbers"));
  EXPECT_THAT(refused("+us:0", {item}), HasSubstr("is a union"));
  EXPECT_THAT(refused("+r", {item, item}), HasSubstr("is run-end encoded"));
  EXPECT_THAT(refused("tin", {}), HasSubstr("is an interval of months and days"));
  EXPECT_THAT(refused("?!", {}), HasSubstr("is of the type \"?!\""));
  EXPECT_THAT(refused("+l", {{.format = "+l", .name = "item", .children = {item}}}),
              HasSubstr("is a list whose items are each a list"));
  EXPECT_THAT(refused("+l", {{.format = "+s", .name = "item", .children = {item}}}),
              HasSubstr("is a list whose items are each a struct"));
  EXPECT_THAT(refused("+l", {}), HasSubstr("is a list of no one type"));
  EXPECT_THAT(ErrorOf(TextColumn("x", {"a"}), "x[1]"),
              HasSubstr("column \"x[1]\" is text, expected a list"));
  EXPECT_THAT(ErrorOf({.format = "+w:2", .name = "x", .buffers = {{}}, .children = {item}}, "x[2]"),
              HasSubstr("column \"x[2]\" is a list of 2 items, expected [N] below that"));
  EXPECT_THAT(ErrorOf([] {
                ColumnOf(std::vector{BatchOf({TextColumn("x", {"a"}), TextColumn("x", {"b"})})},
                         "x", Use::kText);
              }),
              HasSubstr("has two columns \"x\" (1 and 2), expected one"));
}

TEST(ArrowRecords, RefusesBatchesThatContradictThemselves) {
  const ArrowBatch good = NumberColumn<int32_t>("x", "i", {1, 2});
  const auto broken = [&](const std::function<void(ArrowBatch*)>& damage) {
    ArrowBatch column = good;
    damage(&column);
    ArrowBatch batch = BatchOf({column});
    batch.length = 2;
    return ErrorOf([&] { ColumnOf(std::vector{batch}, "x", Use::kText); });
  };
  EXPECT_THAT(broken([](ArrowBatch* c) { c->length = 1; }),
              HasSubstr("hand.arrow: column \"x\": corrupt batch, it has 1 values, expected 2"));
  EXPECT_THAT(broken([](ArrowBatch* c) { c->offset = -1; }), HasSubstr("out of range"));
  EXPECT_THAT(broken([](ArrowBatch* c) { c->buffers.pop_back(); }), HasSubstr("it has 1 buffers"));
  EXPECT_THAT(broken([](ArrowBatch* c) { c->buffers[1] = std::nullopt; }),
              HasSubstr("a buffer is missing"));
  EXPECT_THAT(broken([](ArrowBatch* c) { c->children = {TextColumn("y", {})}; }),
              HasSubstr("it has 1 children"));
  ArrowBatch texts = TextColumn("x", {"ab", "cd"});
  texts.buffers[1] = BytesOf<int32_t>({0, 3, 1});
  EXPECT_THAT(ErrorOf(texts, "x"), HasSubstr("the offsets of its texts do not ascend"));
  ArrowBatch lists = Lists();
  lists.buffers[1] = BytesOf<int32_t>({0, 2, 2, 2, 3, 7});
  EXPECT_THAT(ErrorOf(lists, "x"), HasSubstr("a list is outside of its items"));
  lists.buffers[1] = BytesOf<int32_t>({2, 0, 2, 2, 3, 6});
  EXPECT_THAT(ErrorOf(lists, "x"), HasSubstr("a list is outside of its items"));
}

/// Batches of n rows each, whose column x counts from 0.
std::vector<ArrowBatch> Counting(int n_batches, int n) {
  std::vector<ArrowBatch> batches;
  for (int b = 0; b < n_batches; ++b) {
    std::vector<int32_t> numbers;
    for (int i = 0; i < n; ++i) numbers.push_back(b * n + i);
    batches.push_back(BatchOf(
        {TextColumn("unused", std::vector<std::optional<std::string>>(static_cast<size_t>(n))),
         NumberColumn<int32_t>("x", "i", numbers)}));
  }
  return batches;
}

TEST(ArrowRecords, SkipsWithinAndOverBatches) {
  const std::vector<WantedColumn> wanted = {{"x", Use::kText}};
  Record record;
  for (const std::vector<int64_t>& groups :
       std::vector<std::vector<int64_t>>{{}, {600, 600, 600}, {600, -1, 600}, {1200, 600}}) {
    for (const int64_t n : {0, 1, 5, 300, 599, 600, 601, 1199, 1200, 1500, 1799}) {
      for (const int64_t n_before : {0, 1, 256, 257}) {
        const auto reader =
            ReadArrowRecords(TableOf(kPath, Counting(3, 600), {.group_rows = groups}), wanted);
        for (int64_t i = 0; i < n_before; ++i) ASSERT_TRUE(reader->Next(&record));
        const int64_t n_passed = std::min(n, 1800 - n_before);
        ASSERT_EQ(reader->Skip(n), n_passed);
        ASSERT_EQ(reader->Next(&record), n_before + n_passed < 1800);
        if (n_before + n_passed == 1800) continue;
        ASSERT_EQ(record.number, n_before + n_passed + 1);
        ASSERT_EQ(ShownArrow(record.values[0]), std::to_string(n_before + n_passed));
      }
    }
    const auto reader =
        ReadArrowRecords(TableOf(kPath, Counting(3, 600), {.group_rows = groups}), wanted);
    EXPECT_EQ(reader->Skip(INT64_MAX), 1800);
    EXPECT_EQ(reader->Skip(1), 0);
    EXPECT_FALSE(reader->Next(&record));
  }
}

TEST(ArrowRecords, JumpsToTheGroupOfARow) {
  int n_reads = 0;
  const std::vector<WantedColumn> wanted = {{"x", Use::kText}};
  const auto reader = ReadArrowRecords(
      TableOf(kPath, Counting(4, 10), {.group_rows = {10, 10, 10, 10}, .n_reads = &n_reads}),
      wanted);
  EXPECT_EQ(n_reads, 1);
  EXPECT_EQ(reader->Skip(5), 5);
  EXPECT_EQ(n_reads, 1);
  EXPECT_EQ(reader->Skip(30), 30);
  EXPECT_EQ(n_reads, 2);
  Record record;
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_EQ(ShownArrow(record.values[0]), "35");
}

TEST(ArrowRecords, PassesGroupsWithoutReadingThem) {
  int n_reads = 0;
  const std::vector<WantedColumn> wanted = {{"x", Use::kText}};
  const auto reader = ReadArrowRecords(
      TableOf(kPath, Counting(4, 10), {.group_rows = {10, 10, 10, 10}, .n_reads = &n_reads}),
      wanted);
  EXPECT_EQ(reader->PassParts(5), 0) << "row 5 is in the first group";
  EXPECT_EQ(reader->PassParts(25), 20);
  EXPECT_EQ(n_reads, 2);
  Record record;
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_EQ(record.number, 21);
  EXPECT_EQ(ShownArrow(record.values[0]), "20");
  EXPECT_EQ(reader->PassParts(5), 0) << "in the group that is read";
  EXPECT_EQ(reader->PassParts(9), 9);
  EXPECT_EQ(n_reads, 2) << "the next group follows";
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_EQ(ShownArrow(record.values[0]), "30");
  EXPECT_EQ(reader->PassParts(INT64_MAX), 0);
}

TEST(ArrowRecords, GroupsOfOtherRowsThanTheTableSaysAreRefused) {
  const auto reader_of = [](const std::vector<int64_t>& groups) {
    return ReadArrowRecords(TableOf(kPath, Counting(3, 10), {.group_rows = groups}),
                            std::vector<WantedColumn>{{"x", Use::kText}});
  };
  const auto error_of = [&](const std::vector<int64_t>& groups) {
    const auto reader = reader_of(groups);
    return ErrorOf([&] {
      Record record;
      while (reader->Next(&record)) continue;
    });
  };
  EXPECT_EQ(error_of({10, 15, 5}),
            "hand.arrow: damaged: other numbers of rows than its groups say, up to row 30");
  EXPECT_EQ(error_of({15, 15}),
            "hand.arrow: damaged: other numbers of rows than its groups say, up to row 20");
  EXPECT_EQ(error_of({10, 10, 15}),
            "hand.arrow: damaged: other numbers of rows than its groups say, up to row 30");
  // Who goes on to the last group notices that it ends elsewhere.
  EXPECT_EQ(ErrorOf([&] {
              reader_of({10, 15, 5})->Skip(INT64_MAX);
            }),
            "hand.arrow: damaged: other numbers of rows than its groups say, up to row 25");
}

TEST(ArrowRecords, ReadsAndSkipsGroupsWithoutRows) {
  for (const std::vector<int64_t>& groups :
       std::vector<std::vector<int64_t>>{{10, 10, 10, 0}, {0, 10, 0, 10, 10, 0, 0}}) {
    for (const int64_t n_before : {0, 1, 10, 29, 30}) {
      const auto reader = ReadArrowRecords(TableOf(kPath, Counting(3, 10), {.group_rows = groups}),
                                           std::vector<WantedColumn>{{"x", Use::kText}});
      Record record;
      for (int64_t i = 0; i < n_before; ++i) ASSERT_TRUE(reader->Next(&record));
      EXPECT_EQ(reader->Skip(INT64_MAX), 30 - n_before);
      EXPECT_FALSE(reader->Next(&record));
    }
  }
}

TEST(ArrowRecords, AnErrorOfTheStreamNamesFileAndRow) {
  const auto reader =
      ReadArrowRecords(TableOf(kPath, Counting(1, 2), {.error = "page 7 is\nbroken"}),
                       std::vector<WantedColumn>{{"x", Use::kText}});
  Record record;
  EXPECT_TRUE(reader->Next(&record));
  EXPECT_TRUE(reader->Next(&record));
  EXPECT_EQ(ErrorOf([&] { reader->Next(&record); }),
            "hand.arrow: from row 3 on: page 7 is\\nbroken");
}

TEST(ArrowFormat, RecognisesItsFiles) {
  EXPECT_TRUE(kArrow.recognises("PAR1\x15"));
  EXPECT_TRUE(kArrow.recognises("PARE\x15"));
  EXPECT_TRUE(kArrow.recognises(std::string_view("ARROW1\0\0", 8)));
  const std::string stream = BytesOf<int32_t>({-1, 256, 16});
  EXPECT_TRUE(kArrow.recognises(stream));
  EXPECT_FALSE(kArrow.recognises(stream.substr(0, 11)));
  EXPECT_FALSE(kArrow.recognises(BytesOf<int32_t>({-1, 257, 16})));
  EXPECT_FALSE(kArrow.recognises(BytesOf<int32_t>({-1, 256, 256})));
  EXPECT_FALSE(kArrow.recognises(BytesOf<int32_t>({-1, -8, 4})));
  EXPECT_FALSE(kArrow.recognises("PARIS,1"));
  EXPECT_FALSE(kArrow.recognises(""));
}

}  // namespace
}  // namespace zhiyin::worker::data
