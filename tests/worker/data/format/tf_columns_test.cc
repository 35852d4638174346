#include "worker/data/format/tf_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/random.h"
#include "tests/support/tf_examples.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::HasSubstr;
using zhiyin::testing::AddStep;
using zhiyin::testing::Bytes;
using zhiyin::testing::Floats;
using zhiyin::testing::HistorySequence;
using zhiyin::testing::Integers;
using zhiyin::testing::SetFeature;
using zhiyin::testing::Shown;
using zhiyin::testing::ShownByTwin;
using Use = WantedColumn::Use;

/// The only value of a record, or what is wrong with it.
std::string ReadTfColumn(std::string_view record, const WantedColumn& wanted) {
  TfColumns columns(std::span(&wanted, 1));
  std::vector<Value> values;
  const std::string wrong = columns.Parse(record, &values);
  return wrong.empty() ? Shown(values.at(0)) : wrong;
}

std::string ReadTfColumn(const TfFeature& feature, const std::string& column, Use use) {
  TfExample example;
  SetFeature(&example, "x", feature);
  return ReadTfColumn(example.SerializeAsString(), {column, use});
}

/// A field of a message that holds bytes.
std::string WireField(int number, std::string_view bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} +
         std::string(bytes);
}

/// An Example whose only entry is the feature x with these bytes.
std::string WireExample(std::string_view feature) {
  return WireField(1, WireField(1, WireField(1, "x") + WireField(2, feature)));
}

TEST(TfColumnsTest, IntegersAreTextsAndNumbers) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(ReadTfColumn(Integers({kLeast}), "x", Use::kText), "text:-9223372036854775808");
  EXPECT_EQ(ReadTfColumn(Integers({kLeast, 7}), "x", Use::kCategories),
            "list:-9223372036854775808,7");
  EXPECT_EQ(ReadTfColumn(Integers({-3}), "x", Use::kNumber), "number:-3");
  // 2^53 + 1 lies between two doubles, of which the even one is taken, as for the text.
  EXPECT_EQ(ReadTfColumn(Integers({9007199254740993}), "x", Use::kNumber),
            "number:9007199254740992");
  EXPECT_EQ(ReadTfColumn(Integers({9007199254740993}), "x", Use::kText), "text:9007199254740993");
}

TEST(TfColumnsTest, AFloatIsTheShortestDecimalThatIsRoundedToIt) {
  const std::vector<std::pair<float, std::string>> floats = {{0.1f, "0.1"},
                                                             {-2.5f, "-2.5"},
                                                             {3, "3"},
                                                             {-0.0f, "0"},
                                                             {1e6f, "1000000"},
                                                             {16777217.f, "16777216"},
                                                             {123456789.f, "123456790"},
                                                             {1e-5f, "1e-05"},
                                                             {3.4028235e38f, "3.4028235e+38"},
                                                             {1e-45f, "1e-45"}};
  for (const auto& [number, text] : floats) {
    EXPECT_EQ(ReadTfColumn(Floats({number}), "x", Use::kNumber), "number:" + text);
    EXPECT_EQ(ReadTfColumn(Floats({number}), "x", Use::kText), "text:" + text);
    EXPECT_EQ(ReadTfColumn(Floats({number, 1}), "x", Use::kCategories), "list:" + text + ",1");
  }
  TfExample example;
  SetFeature(&example, "x", Floats({0.1f}));
  const std::vector<WantedColumn> wanted = {{"x", Use::kNumber}};
  TfColumns columns(wanted);
  std::vector<Value> values;
  ASSERT_EQ(columns.Parse(example.SerializeAsString(), &values), "");
  EXPECT_EQ(values[0].number(), 0.1) << "and not the float's 0.100000001490116";
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(ReadTfColumn(Floats({-kInfinity}), "x", Use::kText), "text:-inf");
  EXPECT_EQ(ReadTfColumn(Floats({-kInfinity}), "x", Use::kNumber), "number:-inf");
  EXPECT_EQ(ReadTfColumn(Floats({-std::numeric_limits<float>::quiet_NaN()}), "x", Use::kText),
            "text:nan");
}

TEST(TfColumnsTest, TextsAreChecked) {
  EXPECT_EQ(ReadTfColumn(Bytes({"1.50"}), "x", Use::kNumber), "text:1.50") << "yet to be parsed";
  EXPECT_EQ(ReadTfColumn(Bytes({""}), "x", Use::kText), "text:");
  EXPECT_EQ(ReadTfColumn(Bytes({"é"}), "x", Use::kText), "text:é");
  for (const Use use : {Use::kText, Use::kCategories, Use::kNumber}) {
    EXPECT_EQ(ReadTfColumn(Bytes({"a\xff"}), "x", use),
              "feature \"x\": byte 1 is not UTF-8, expected UTF-8 text");
    EXPECT_EQ(ReadTfColumn(Bytes({std::string("a\0b", 3)}), "x", use),
              "feature \"x\": a NUL at byte 1, expected text");
  }
  EXPECT_EQ(ReadTfColumn(Bytes({"a", "b\xff"}), "x", Use::kCategories),
            "feature \"x\": byte 1 is not UTF-8, expected UTF-8 text");
  EXPECT_EQ(ReadTfColumn(Bytes({"a", "b\xff"}), "x[0]", Use::kText), "text:a")
      << "only what is wanted";
}

TEST(TfColumnsTest, WhereOneValueIsWantedThereIsOne) {
  for (const Use use : {Use::kText, Use::kNumber}) {
    EXPECT_EQ(ReadTfColumn(Integers({5, 6, 7}), "x", use),
              "feature \"x\": a list of 3 values, expected one; the column \"x[0]\" is the first "
              "of them");
    EXPECT_EQ(ReadTfColumn(Floats({}), "x", use), "missing");
    EXPECT_EQ(ReadTfColumn(TfFeature(), "x", use), "missing");
  }
  EXPECT_EQ(ReadTfColumn(Bytes({}), "x", Use::kCategories), "missing");
  EXPECT_EQ(ReadTfColumn(Bytes({"a"}), "y", Use::kCategories), "missing");
}

TEST(TfColumnsTest, ANameMayMeanAnElement) {
  EXPECT_EQ(ReadTfColumn(Integers({5, 6, 7}), "x[2]", Use::kNumber), "number:7");
  EXPECT_EQ(ReadTfColumn(Floats({5, 6.5}), "x[1]", Use::kCategories), "text:6.5");
  EXPECT_EQ(ReadTfColumn(Bytes({"a", "b"}), "x[2]", Use::kText), "missing");
  for (const char* name :
       {"x[-1]", "x[]", "x[1", "x[a]", "x[1 ]", "[0]", "x[99999999999999999999]"})
    EXPECT_EQ(ReadTfColumn(Bytes({"a", "b"}), name, Use::kText), "missing") << name;
  TfExample example;
  SetFeature(&example, "x", Integers({5, 6, 7}));
  SetFeature(&example, "x[1]", Integers({8}));
  EXPECT_EQ(ReadTfColumn(example.SerializeAsString(), {"x[1]", Use::kText}), "text:8")
      << "its own name";
  SetFeature(&example, "x[1]", Integers({}));
  EXPECT_EQ(ReadTfColumn(example.SerializeAsString(), {"x[1]", Use::kText}), "missing");
  AddStep(&example, "x[2]", Integers({9}));
  EXPECT_EQ(ReadTfColumn(example.SerializeAsString(), {"x[2]", Use::kText}), "text:9");
}

TEST(TfColumnsTest, FeatureListsAreJoined) {
  const std::string record = HistorySequence().SerializeAsString();
  EXPECT_EQ(ReadTfColumn(record, {"history", Use::kCategories}), "list:a,b,c");
  EXPECT_EQ(ReadTfColumn(record, {"hour", Use::kCategories}), "list:-1,23");
  EXPECT_EQ(ReadTfColumn(record, {"history[2]", Use::kText}), "text:c");
  EXPECT_THAT(ReadTfColumn(record, {"history", Use::kText}),
              HasSubstr("a list of 3 values, expected one"));
  TfExample example = HistorySequence();
  SetFeature(&example, "history", Bytes({"d"}));
  for (const char* name : {"history", "history[0]"}) {
    EXPECT_EQ(ReadTfColumn(example.SerializeAsString(), {name, Use::kCategories}),
              "\"history\" is a feature of the context and a feature list, expected one of them");
  }
  EXPECT_EQ(ReadTfColumn(example.SerializeAsString(), {"user", Use::kText}), "text:u7");
}

TEST(TfColumnsTest, ListsAreLimited) {
  std::vector<int64_t> many(TfColumns::kMaxListed, 1);
  TfExample example;
  SetFeature(&example, "x", Integers(many));
  EXPECT_EQ(ReadTfColumn(example.SerializeAsString(), {"x", Use::kCategories}).size(),
            5 + 2 * many.size() - 1);
  AddStep(&example, "y", Integers({1}));
  const std::vector<WantedColumn> both = {{"x", Use::kCategories}, {"y", Use::kCategories}};
  std::vector<Value> values;
  EXPECT_EQ(TfColumns(both).Parse(example.SerializeAsString(), &values),
            "feature \"y\": more than 1048576 categories in one record, expected fewer");
  EXPECT_EQ(ReadTfColumn(example.SerializeAsString(), {"x[1048575]", Use::kText}), "text:1");
}

TEST(TfColumnsTest, KnowsEveryEncodingOfProtobuf) {
  const auto categories = [](std::string_view record) {
    return ReadTfColumn(record, {"x", Use::kCategories});
  };
  using namespace std::string_literals;
  EXPECT_EQ(categories(WireExample(WireField(3, "\x08\x05\x08\x06"))), "list:5,6") << "not packed";
  EXPECT_EQ(categories(WireExample(WireField(2, "\x0d\0\0\x80\x3f"s))), "list:1") << "not packed";
  EXPECT_EQ(
      categories(WireExample(WireField(3, "\x08\x05") + WireField(3, WireField(1, "\x06\x07")))),
      "list:5,6,7")
      << "lists of one kind are joined";
  EXPECT_EQ(categories(WireExample(WireField(3, "\x08\x05") + WireField(1, WireField(1, "a")))),
            "list:a")
      << "of several kinds the last counts";
  EXPECT_EQ(
      categories(WireExample(WireField(3, "\x08\x05")) + WireExample(WireField(3, "\x08\x06"))),
      "list:6")
      << "the last feature of a name counts";
  EXPECT_EQ(categories("\x48\x01" + WireExample(WireField(9, "?") + WireField(3, "\x08\x05"))),
            "list:5")
      << "unknown fields are passed over";
  EXPECT_EQ(categories(WireField(
                1, WireField(1, WireField(2, WireField(3, "\x08\x05")) + WireField(1, "x")))),
            "list:5")
      << "the value before the key";
  EXPECT_EQ(categories(WireField(1, WireField(1, WireField(1, "x")))), "missing") << "no value";
}

TEST(TfColumnsTest, DamagedMessagesAreMalformed) {
  using namespace std::string_literals;
  constexpr const char* kFeature =
      "feature \"x\": cannot be parsed, expected a bytes_list, float_list or int64_list";
  for (const Use use : {Use::kText, Use::kCategories, Use::kNumber}) {
    const auto read = [use](std::string_view record) { return ReadTfColumn(record, {"x", use}); };
    EXPECT_EQ(read(WireExample(WireField(2, WireField(1, "abc")))), kFeature)
        << "three quarters of a float";
    EXPECT_EQ(read(WireExample(WireField(3, WireField(1, "\x80")))), kFeature) << "half an integer";
    EXPECT_EQ(read(WireExample(WireField(3, WireField(1, std::string(11, '\xff'))))), kFeature);
    EXPECT_EQ(read(WireExample("\x0a\x05zz")), kFeature) << "a list that ends behind its feature";
    EXPECT_EQ(read(WireExample("\x0b\x0c")), kFeature) << "a group";
    EXPECT_THAT(read(WireField(1, "\x0a\x05")), HasSubstr("its features cannot be parsed"));
    EXPECT_THAT(read(WireField(2, WireField(1, "\x0a\x05"))),
                HasSubstr("feature lists cannot be parsed"));
    EXPECT_EQ(read(WireField(2, WireField(1, WireField(1, "x") + WireField(2, "\x0a\x05")))),
              kFeature);
    EXPECT_EQ(read("\x0a"), "no tf.train.Example or tf.train.SequenceExample, expected one");
    EXPECT_EQ(read("\x02\0"s), "no tf.train.Example or tf.train.SequenceExample, expected one")
        << "field 0";
    EXPECT_THAT(
        read(WireField(1, WireField(1, WireField(1, "x") + WireField(2, "") + WireField(2, "")))),
        HasSubstr("an entry with 2 values"));
  }
}

/// A record of few names and short lists, so that names meet.
TfExample RandomTfExample(Random* random) {
  const auto number = [random](int n) { return static_cast<int>(random->Below(n)); };
  const auto name = [&] {
    const char* const names[] = {"a", "b", "a[0]", "a[1]", "b[2]", ""};
    return std::string(names[number(6)]);
  };
  const auto feature = [&] {
    TfFeature made;
    for (int kind = number(4), i = number(4); i > 0; --i) {
      if (kind == 0) made.mutable_bytes_list()->add_value(number(9) == 0 ? "\xff" : "text");
      if (kind == 1) made.mutable_int64_list()->add_value(static_cast<int64_t>(random->Next()));
      if (kind == 2) {
        made.mutable_float_list()->add_value(
            static_cast<float>(std::ldexp(random->Normal(), number(200) - 100)));
      }
    }
    return made;
  };
  TfExample example;
  for (int i = number(4); i > 0; --i) SetFeature(&example, name(), feature());
  for (int i = number(3); i > 0; --i) AddStep(&example, name(), feature());
  return example;
}

TEST(TfColumnsTest, AgreesWithTheGeneratedClasses) {
  std::vector<WantedColumn> wanted;
  for (const char* name : {"a", "b", "a[0]", "a[1]", "b[2]", "", "c", "a[x]"}) {
    for (const Use use : {Use::kText, Use::kCategories, Use::kNumber})
      wanted.push_back({name, use});
  }
  int n_values = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    const TfExample example = RandomTfExample(&random);
    const std::string record = example.SerializeAsString();
    for (const WantedColumn& column : wanted) {
      const std::string twin = ShownByTwin(example, column);
      const std::string shown = ReadTfColumn(record, column);
      if (twin == "malformed") {
        EXPECT_THAT(shown, HasSubstr("expected")) << example.DebugString();
        continue;
      }
      EXPECT_EQ(shown, twin) << column.name << " of " << example.DebugString();
      n_values += twin != "missing";
    }
  }
  EXPECT_GT(n_values, 1000);
}

TEST(TfColumnsTest, ATruncatedMessageIsMalformedOrWhole) {
  const std::string record = HistorySequence().SerializeAsString();
  for (size_t n = 0; n < record.size(); ++n) {
    const std::string_view begin = std::string_view(record).substr(0, n);
    const WantedColumn column = {"hour", Use::kCategories};
    TfExample parsed;
    if (parsed.ParseFromArray(begin.data(), static_cast<int>(n))) {
      EXPECT_EQ(ReadTfColumn(begin, column), ShownByTwin(parsed, column));
    } else {
      EXPECT_THAT(ReadTfColumn(begin, column), HasSubstr("expected")) << n;
    }
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
