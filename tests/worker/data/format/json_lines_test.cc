#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/files.h"
#include "worker/data/format/format.h"
#include "worker/data/line_reader.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;
using zhiyin::testing::TempFolder;
using Use = WantedColumn::Use;
using JsonColumns = std::vector<WantedColumn>;

/// A value as text: - for a missing one, (text), #number, [list of texts].
std::string ShownJson(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kMissing:
      return "-";
    case Value::Kind::kText:
      return "(" + std::string(value.text()) + ")";
    case Value::Kind::kNumber:
      return "#" + nlohmann::json(value.number()).dump();
    case Value::Kind::kList:
      break;
  }
  std::string shown = "[";
  for (const std::string_view text : value.list()) shown += "(" + std::string(text) + ")";
  return shown + "]";
}

/// "number: values" of a record, or "number! what is wrong".
std::string ShownJson(const Record& record, size_t n_columns) {
  EXPECT_EQ(record.values.size(), n_columns);
  if (!record.wrong.empty()) {
    for (const Value& value : record.values) EXPECT_EQ(value.kind(), Value::Kind::kMissing);
    return std::to_string(record.number) + "! " + record.wrong;
  }
  std::string shown = std::to_string(record.number) + ":";
  for (const Value& value : record.values) shown += " " + ShownJson(value);
  return shown;
}

class JsonLinesTest : public ::testing::Test {
 protected:
  /// Every record of a file that holds `content`.
  std::vector<std::string> Records(std::string_view content, const JsonColumns& wanted,
                                   const Text& text = Text()) {
    const std::unique_ptr<RecordReader> reader =
        kJsonLines.open(folder_.Write("f.jsonl", content), text, wanted, nullptr);
    std::vector<std::string> records;
    Record record;
    while (reader->Next(&record)) records.push_back(ShownJson(record, wanted.size()));
    EXPECT_FALSE(reader->Next(&record)) << "the end is the end";
    return records;
  }

  /// The record that a line makes, without its number: " values" or "! what is wrong".
  std::string Only(std::string_view line, const JsonColumns& wanted) {
    const std::vector<std::string> records = Records(line, wanted);
    EXPECT_EQ(records.size(), 1u);
    if (records.size() != 1) return "";
    const size_t n = records[0].find_first_of(":!");
    return records[0].substr(records[0][n] == ':' ? n + 2 : n);
  }
  std::string Text1(std::string_view line, const std::string& name = "a") {
    return Only(line, {{name, Use::kText}});
  }
  std::string Categories1(std::string_view line, const std::string& name = "a") {
    return Only(line, {{name, Use::kCategories}});
  }
  std::string Number1(std::string_view line, const std::string& name = "a") {
    return Only(line, {{name, Use::kNumber}});
  }

  TempFolder folder_{TempFolder::kInMemory};
};

TEST_F(JsonLinesTest, GivesWantedColumnsInTheirOrder) {
  EXPECT_THAT(Records("{\"x\": 1.5, \"city\": \"Bern\", \"tags\": [\"a\", \"b\"], \"rest\": {}}\n"
                      "{\"tags\": [\"c\"], \"city\": \"Ulm\"}\n",
                      {{"tags", Use::kCategories},
                       {"x", Use::kNumber},
                       {"city", Use::kText},
                       {"none", Use::kText}}),
              ElementsAre("1: [(a)(b)] #1.5 (Bern) -", "2: [(c)] - (Ulm) -"));
}

TEST_F(JsonLinesTest, FindsKeysInAnyOrderAmongOthers) {
  const JsonColumns wanted = {{"a", Use::kNumber}, {"b", Use::kNumber}, {"c", Use::kNumber}};
  EXPECT_THAT(Records("{\"a\":1,\"b\":2,\"c\":3}\n{\"c\":3,\"b\":2,\"a\":1}\n"
                      "{\"z\":0,\"b\":2,\"y\":0,\"a\":1,\"x\":{\"c\":9}}\n{\"a\":1,\"c\":3}\n{}\n",
                      wanted),
              ElementsAre("1: #1.0 #2.0 #3.0", "2: #1.0 #2.0 #3.0", "3: #1.0 #2.0 -",
                          "4: #1.0 - #3.0", "5: - - -"));
}

TEST_F(JsonLinesTest, PassesOverBlankLinesButCountsThem) {
  const JsonColumns wanted = {{"a", Use::kText}};
  EXPECT_THAT(Records("\xef\xbb\xbf\n{\"a\":1}\r\n  \t \n\r\n {\"a\":2} \n{\"a\":3}", wanted),
              ElementsAre("2: (1)", "5: (2)", "6: (3)"));
  EXPECT_THAT(Records("", wanted), IsEmpty());
  EXPECT_THAT(Records(" \n\n", wanted), IsEmpty());
}

TEST_F(JsonLinesTest, ReadsGzipAndOtherEncodings) {
  const JsonColumns wanted = {{"a", Use::kText}};
  Record record;
  ASSERT_TRUE(kJsonLines.open(folder_.WriteGzip("g", "{\"a\":\"x\"}\n"), Text(), wanted, nullptr)
                  ->Next(&record));
  EXPECT_TRUE(record.wrong.empty());
  Text latin1;
  latin1.set_encoding("latin1");
  EXPECT_THAT(Records("{\"a\":\"Z\xfcrich\"}\n", wanted, latin1), ElementsAre("1: (Zürich)"));
}

TEST_F(JsonLinesTest, QuotesConnectNoLines) {
  EXPECT_THAT(Records("{\"a\":\"x\n\",1}\n{\"a\":2}\n", {{"a", Use::kText}}),
              ElementsAre(StartsWith("1! "), StartsWith("2! "), "3: (2)"));
}

TEST_F(JsonLinesTest, SkipsWhatNextWouldGive) {
  const JsonColumns wanted = {{"a", Use::kText}};
  const std::string path = folder_.Write("f", "{\"a\":1}\n \nno JSON\n\n{\"a\":2}\n{\"a\":3}\n");
  const std::unique_ptr<RecordReader> reader = kJsonLines.open(path, Text(), wanted, nullptr);
  EXPECT_EQ(reader->Skip(2), 2);
  Record record;
  ASSERT_TRUE(reader->Next(&record));
  EXPECT_EQ(ShownJson(record, 1), "5: (2)");
  EXPECT_EQ(reader->Skip(5), 1);
  EXPECT_FALSE(reader->Next(&record));
  EXPECT_EQ(reader->Skip(1), 0);
}

TEST_F(JsonLinesTest, NullAndAbsentKeysAreMissing) {
  const JsonColumns wanted = {{"a", Use::kText}, {"a", Use::kCategories}, {"a", Use::kNumber}};
  EXPECT_EQ(Only("{\"a\": null}", wanted), "- - -");
  EXPECT_EQ(Only("{\"b\": 1}", wanted), "- - -");
  EXPECT_EQ(Only("{\"a\": \"\"}", wanted), "() () ()") << "the empty text is a text";
}

TEST_F(JsonLinesTest, BooleansAreTextsAndNumbers) {
  const JsonColumns wanted = {{"a", Use::kText}, {"a", Use::kCategories}, {"a", Use::kNumber}};
  EXPECT_EQ(Only("{\"a\": true}", wanted), "(true) (true) #1.0");
  EXPECT_EQ(Only("{\"a\": false}", wanted), "(false) (false) #0.0");
}

TEST_F(JsonLinesTest, NumbersKeepTheirTextAsCategories) {
  for (const char* number :
       {"0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808",
        "18446744073709551615", "123456789012345678901234567890", "1.0", "1.50", "-0", "1e3",
        "2.5E-3", "0.1", "1e400"}) {
    const std::string line = "{\"a\": " + std::string(number) + " }";
    EXPECT_EQ(Text1(line), "(" + std::string(number) + ")");
    EXPECT_EQ(Categories1(line), "(" + std::string(number) + ")");
  }
}

TEST_F(JsonLinesTest, NumbersAreNumbers) {
  EXPECT_EQ(Number1("{\"a\":-2.5e1}"), "#-25.0");
  EXPECT_EQ(Number1("{\"a\":9007199254740993}"), "#9.007199254740992e+15");
  EXPECT_EQ(Number1("{\"a\":18446744073709551615}"), "#1.8446744073709552e+19");
  EXPECT_EQ(Number1("{\"a\":1e-400}"), "#0.0");
  EXPECT_EQ(Number1("{\"a\":\" 2.5\"}"), "( 2.5)") << "a text is yet to be parsed";
  EXPECT_EQ(Number1("{\"a\":1e400}"), "(1e400)") << "what no double holds, the row parser refuses";
}

TEST_F(JsonLinesTest, TextsAreUnescaped) {
  EXPECT_EQ(Text1(R"({"a": "\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00"})"),
            "(\"\\/\b\f\n\r\tä\xf0\x9f\x98\x80)");
  EXPECT_EQ(Text1(R"({"\u0061": "x"})"), "(x)") << "an escaped key";
  EXPECT_EQ(Text1(R"({"a\"b": "x"})", "a\"b"), "(x)");
  EXPECT_EQ(Text1("{\"a\": \"x\"   }"), "(x)");
  // Several texts, so that one could overwrite another.
  EXPECT_EQ(Categories1(R"({"a": ["\n1", "\n22", "333", "\n4444"]})"),
            "[(\n1)(\n22)(333)(\n4444)]");
}

TEST_F(JsonLinesTest, ListsAreCategories) {
  EXPECT_EQ(Categories1(R"({"a": ["x", 1.0, true, null, "", 12345678901234567890]})"),
            "[(x)(1.0)(true)()(12345678901234567890)]");
  EXPECT_EQ(Categories1(R"({"a": [ ]})"), "-");
  EXPECT_EQ(Categories1(R"({"a": [null, null]})"), "-");
  EXPECT_EQ(Categories1(R"({"a": [[1], "x"]})"),
            "! column \"a\": a list that holds a list or an object, expected a list of texts");
  EXPECT_EQ(Categories1(R"({"a": ["x", {}]})"),
            "! column \"a\": a list that holds a list or an object, expected a list of texts");
  EXPECT_THAT(
      Only(R"({"a": ["1", "2"], "b": ["3"]})", {{"b", Use::kCategories}, {"a", Use::kCategories}}),
      "[(3)] [(1)(2)]");
}

TEST_F(JsonLinesTest, AListIsNoText) {
  EXPECT_EQ(Text1("{\"a\": [\"x\"]}"), "! column \"a\": a list, expected a text");
  EXPECT_EQ(Text1("{\"a\": []}"), "! column \"a\": a list, expected a text");
}

TEST_F(JsonLinesTest, AListOfOneIsANumber) {
  EXPECT_EQ(Number1("{\"a\": [2.5]}"), "#2.5");
  EXPECT_EQ(Number1("{\"a\": [\"2.5\"]}"), "(2.5)");
  EXPECT_EQ(Number1("{\"a\": [true]}"), "#1.0");
  EXPECT_EQ(Number1("{\"a\": [null]}"), "-");
  EXPECT_EQ(Number1("{\"a\": []}"), "-");
  EXPECT_EQ(Number1("{\"a\": [1, 2, 3]}"),
            "! column \"a\": a list of 3 values, expected one number");
  EXPECT_EQ(Number1("{\"a\": [null, 2]}"),
            "! column \"a\": a list of 2 values, expected one number");
  EXPECT_EQ(Number1("{\"a\": [[1]]}"),
            "! column \"a\": a list that holds a list or an object, expected a list of one number");
}

TEST_F(JsonLinesTest, AnObjectIsNoValue) {
  EXPECT_EQ(Text1("{\"a\": {}}"), "! column \"a\": an object, expected a text");
  EXPECT_EQ(Number1("{\"a\": {\"b\": 1}}"), "! column \"a\": an object, expected a number");
  EXPECT_EQ(Categories1("{\"a\": {\"b\": 1}}"),
            "! column \"a\": an object, expected a text or a list of texts");
}

TEST_F(JsonLinesTest, NamesArePaths) {
  EXPECT_EQ(Text1(R"({"user": {"id": 7, "home": {"zip": "10"}}})", "user.id"), "(7)");
  EXPECT_EQ(Text1(R"({"user": {"id": 7, "home": {"zip": "10"}}})", "user.home.zip"), "(10)");
  EXPECT_EQ(Text1(R"({"id": 7, "user": {"x": {"id": 8}}})", "user.id"), "-");
  EXPECT_EQ(Text1(R"({"user": null})", "user.id"), "-");
  EXPECT_EQ(Text1(R"({"user": 7})", "user.id"),
            "! column \"user.id\": \"user\" is not an object, expected an object or null");
  EXPECT_EQ(Text1(R"({"a": {"b": [1]}})", "a.b.c"),
            "! column \"a.b.c\": \"a.b\" is not an object, expected an object or null");
  EXPECT_EQ(Only(R"({"user": {"id": 7, "name": "x"}, "id": 9})",
                 {{"user.name", Use::kText}, {"id", Use::kText}, {"user.id", Use::kText}}),
            "(x) (9) (7)");
  EXPECT_EQ(Text1(R"({"": {"": 5}})", "."), "(5)");
}

TEST_F(JsonLinesTest, TheWholeNameIsAKeyFirst) {
  EXPECT_EQ(Text1(R"({"a.b": 1, "a": {"b": 2}})", "a.b"), "(1)");
  EXPECT_EQ(Text1(R"({"a": {"b": 2}, "a.b": 1})", "a.b"), "(1)") << "in any order";
  EXPECT_EQ(Text1(R"({"a.b": null, "a": {"b": 2}})", "a.b"), "-");
  EXPECT_EQ(Text1(R"({"a": {"b": 2}, "a.b": null})", "a.b"), "-");
  EXPECT_EQ(Text1(R"({"a": {"b.c": 3, "b": {"c": 4}}})", "a.b.c"), "(3)");
  EXPECT_EQ(Text1(R"({"a.b.c": 5, "a": {"b.c": 3, "b": {"c": 4}}})", "a.b.c"), "(5)");
  EXPECT_EQ(Text1(R"({"a": 7, "a.b": 1})", "a.b"), "(1)") << "the other place does not matter";
  EXPECT_EQ(Text1(R"({"a.b": 1, "a": 7})", "a.b"), "(1)");
  EXPECT_EQ(Text1(R"({"a": {"b": {}}, "a.b": 1})", "a.b"), "(1)");
  EXPECT_EQ(Text1(R"({"a[0]": 1, "a": [2]})", "a[0]"), "(1)");
  EXPECT_EQ(Text1(R"({"a": [2], "a[0]": 1})", "a[0]"), "(1)");
}

TEST_F(JsonLinesTest, PositionsTakeElements) {
  EXPECT_EQ(Number1(R"({"emb": [0.5, 1.5, 2.5]})", "emb[2]"), "#2.5");
  EXPECT_EQ(Number1(R"({"emb": [0.5, 1.5, 2.5]})", "emb[0]"), "#0.5");
  EXPECT_EQ(Number1(R"({"emb": [0.5, 1.5, 2.5]})", "emb[3]"), "-");
  EXPECT_EQ(Number1(R"({"emb": []})", "emb[0]"), "-");
  EXPECT_EQ(Number1(R"({"emb": null})", "emb[0]"), "-");
  EXPECT_EQ(Text1(R"({"m": [[1, 2], [3, 4]]})", "m[1][0]"), "(3)");
  EXPECT_EQ(Text1(R"({"u": {"items": [{"id": 1}, {"id": 2}]}})", "u.items[1].id"), "(2)");
  EXPECT_EQ(Number1(R"({"emb": 5})", "emb[0]"),
            "! column \"emb[0]\": \"emb\" is not a list, expected a list or null");
  EXPECT_EQ(Number1(R"({"emb": [{}]})", "emb[0]"),
            "! column \"emb[0]\": an object, expected a number");
  EXPECT_EQ(Text1(R"({"m": [5]})", "m[0].id"),
            "! column \"m[0].id\": \"m[0]\" is not an object, expected an object or null");
  EXPECT_EQ(Only(R"({"emb": ["x", "y", "z"]})", {{"emb[2]", Use::kText},
                                                 {"emb[0]", Use::kText},
                                                 {"emb", Use::kCategories},
                                                 {"emb[9]", Use::kText}}),
            "(z) (x) [(x)(y)(z)] -");
  for (const char* key : {"a[x]", "a[]", "a[-1]", "a[99999999999]", "[0]", "a]", "a[0]b"})
    EXPECT_EQ(Text1("{\"" + std::string(key) + "\": 1}", key), "(1)") << "a key like any other";
}

TEST_F(JsonLinesTest, WantedKeysStandOnce) {
  EXPECT_EQ(Text1(R"({"a": 1, "b": 0, "a": 1})"),
            "! \"a\" stands twice in its object, expected once");
  EXPECT_EQ(Text1(R"({"a": null, "\u0061": 1})"),
            "! \"a\" stands twice in its object, expected once");
  EXPECT_EQ(Text1(R"({"user": {"id": 1}, "user": {"name": 2}})", "user.id"),
            "! \"user\" stands twice in its object, expected once");
  EXPECT_EQ(Text1(R"({"user": {"id": 1, "id": 2}})", "user.id"),
            "! \"user.id\" stands twice in its object, expected once");
  EXPECT_EQ(Text1(R"({"a": 1, "b": 2, "b": 3, "c": {"a": 1, "a": 2}})"), "(1)")
      << "others do not matter";
  EXPECT_THAT(Records("{\"a\":1}\n{\"a\":2}\n{\"a\":1,\"a\":2}\n{\"a\":3}\n", {{"a", Use::kText}}),
              ElementsAre("1: (1)", "2: (2)", StartsWith("3! "), "4: (3)"));
}

TEST_F(JsonLinesTest, NulIsNoText) {
  EXPECT_EQ(Text1(R"({"a": "x\u0000y"})"), "! column \"a\": a NUL (\\u0000), expected text");
  EXPECT_EQ(Number1(R"({"a": "1\u0000"})"), "! column \"a\": a NUL (\\u0000), expected text");
  EXPECT_EQ(Number1(R"({"a": ["1\u0000"]})"), "! column \"a\": a NUL (\\u0000), expected text");
  EXPECT_EQ(Categories1(R"({"a": ["x", "\u0000", "y"]})"),
            "! column \"a\": a NUL (\\u0000), expected text");
  EXPECT_EQ(Text1(R"({"b": "\u0000", "a": 1})"), "(1)") << "where nobody reads it";
  EXPECT_EQ(Text1(std::string("{\"a\": \"x\0\"}", 11)), "! a NUL at byte 8, expected text");
  EXPECT_EQ(Text1(std::string("{\"a\": 1\0}", 9)), "! a NUL at byte 7, expected text");
}

TEST_F(JsonLinesTest, LinesAreUtf8) {
  EXPECT_EQ(Text1("{\"b\": \"\xff\"}"), "! byte 7 is not UTF-8, expected UTF-8 text");
  EXPECT_EQ(Text1("{\"b\": \"\xed\xa0\x80\"}"), "! byte 7 is not UTF-8, expected UTF-8 text");
  for (const char* half : {R"(\ud800)", R"(\udc00)", R"(\ud800x)", R"(\ud800\u0041)",
                           R"(\ud800\ud800)", R"(\udc00\ud800)", R"(\ud800\n)"}) {
    for (const char* name : {"a", "b"}) {
      const std::string line = "{\"" + std::string(name) + "\": \"" + half + "\"}";
      EXPECT_THAT(Text1(line), StartsWith("! ")) << line;
    }
    EXPECT_THAT(Text1("{\"" + std::string(half) + "\": 1}"), StartsWith("! ")) << half;
  }
}

TEST_F(JsonLinesTest, ALineIsOneWholeObject) {
  const std::string expected = ", expected one whole JSON object";
  EXPECT_EQ(Text1("[1]"), "! a line that begins with no {" + expected);
  EXPECT_EQ(Text1("1"), "! a line that begins with no {" + expected);
  EXPECT_EQ(Text1("a,b,c"), "! a line that begins with no {" + expected);
  EXPECT_EQ(Text1(R"({"a": 01})"), "! no valid JSON at byte 6" + expected);
  EXPECT_EQ(Text1(R"({"a": 1, "b": [1, nul]})"), "! no valid JSON at byte 18" + expected);
  EXPECT_EQ(Text1(R"({"a": 1} {"a": 2})"), "! no valid JSON at byte 9" + expected);
  EXPECT_EQ(Text1(R"({"a": 1 "b": 2})"), "! no valid JSON at byte 8" + expected);
  for (const char* line : {"{",
                           "}",
                           "{}}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,\"a\":1}",
                           "{\"a\":1",
                           "{\"a\":[1}",
                           "{\"a\":{\"b\":1}",
                           "{\"a\":1]",
                           "{\"a\":[1,]}",
                           "{\"a\":[,1]}",
                           "{\"a\":[1 2]}",
                           "{\"a\":\"b\":1}",
                           "{\"a\":{\"b\":\"c\":1},\"d\":2}",
                           "{\"x\":{\"a\":\"b\":1},\"c\":2}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":'x'}",
                           "{\"a\":\"x}",
                           "{\"a\":\"x\"y\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12\"}",
                           "{\"\\x\":1}",
                           "{\"a\":\"\t\"}",
                           "{\"a\":+1}",
                           "{\"a\":.5}",
                           "{\"a\":1.}",
                           "{\"a\":1e}",
                           "{\"a\":--1}",
                           "{\"a\":-}",
                           "{\"a\":0x1}",
                           "{\"a\":NaN}",
                           "{\"a\":Infinity}",
                           "{\"a\":True}",
                           "{\"a\":tru}",
                           "{\"a\":truee}",
                           "{\"a\":nullx}",
                           "{\"a\":1\"b\"}",
                           "{\"a\":\"b\"1}",
                           "{\"a\":1} x",
                           "{\"a\":1} //",
                           "{\"a\":1},",
                           "{\"a\":1}\v",
                           "{\"a\":1}{}",
                           "{1:2}",
                           "{\"a\"::1}",
                           "{\"a\",1}",
                           "{\"a\":1;\"b\":2}",
                           "{\"a\":[}]}",
                           "{\"a\":{]}",
                           "{\"a\":[1]]}",
                           "{null:1}",
                           "{\"a\":\\u0031}"}) {
    for (const char* name : {"a", "other"}) {
      EXPECT_THAT(Text1(line, name), AllOf(StartsWith("! "), HasSubstr(", expected "))) << line;
    }
  }
}

TEST_F(JsonLinesTest, ALineDoesNotGoOnInTheOneBefore) {
  const std::string start = R"({"a":{"b":1})";
  const std::string longer = R"({"a":{"b":2}})";
  EXPECT_THAT(Records(longer + "\n" + start + "\n" + longer + "\n" + start, {{"a.b", Use::kText}}),
              ElementsAre("1: (2)", StartsWith("2! "), "3: (2)", StartsWith("4! ")));
}

TEST_F(JsonLinesTest, DepthIsLimited) {
  const auto nested = [](int n, const std::string& open, const std::string& close) {
    std::string line = "{\"a\":";
    for (int i = 1; i < n; ++i) line += open;
    line += "1";
    for (int i = 1; i < n; ++i) line += close;
    return line + "}";
  };
  const std::string wrong = "! objects and lists within each other, expected at most 64 levels";
  EXPECT_EQ(Text1(nested(64, "[", "]"), "b"), "-");
  EXPECT_EQ(Text1(nested(65, "[", "]"), "b"), wrong);
  EXPECT_EQ(Text1(nested(64, "{\"a\":", "}"), "b"), "-");
  EXPECT_EQ(Text1(nested(65, "{\"a\":", "}"), "b"), wrong);
  EXPECT_EQ(Text1(nested(500'000, "[", "]"), "b"), wrong);
  EXPECT_THAT(Text1("{\"a\":" + std::string(1'000'000, '[') + "}"), wrong);
  std::string name = "a";
  for (int i = 1; i < 64; ++i) name += ".a";
  EXPECT_EQ(Text1(nested(64, "{\"a\":", "}"), name), "(1)");
}

TEST_F(JsonLinesTest, LinesOfAnyAllowedLength) {
  const JsonColumns wanted = {{"a", Use::kText}, {"b", Use::kNumber}};
  const auto line = [](size_t n) { return "{\"a\":\"" + std::string(n - 15, 'x') + "\",\"b\":1}"; };
  const std::string longest = line(LineReader::kMaxBytes + 1);
  ASSERT_EQ(line(100).size(), 99u);
  EXPECT_THAT(
      Records(line(20) + "\n" + line(5000) + "\n" + longest + "\n" + line(20) + "\n" +
                  line(LineReader::kMaxBytes + 2) + "\n" + line(20),
              wanted),
      ElementsAre("1: (xxxxx) #1.0", EndsWith("x) #1.0"),
                  AllOf(StartsWith("3: (xxx"), EndsWith("x) #1.0")), "4: (xxxxx) #1.0",
                  "5! longer than 1048576 bytes, expected a shorter line", "6: (xxxxx) #1.0"));
  // Escapes are no longer than what they stand for.
  std::string escapes;
  for (int i = 0; i < 100'000; ++i) escapes += R"(\u20ac)";
  EXPECT_THAT(Text1("{\"a\":\"" + escapes + "\"}"), AllOf(StartsWith("(€€"), EndsWith("€€)")));
}

TEST_F(JsonLinesTest, NamesMustBeKeys) {
  const std::string path = folder_.Write("f", "{}\n");
  const auto open = [&](const char* name) {
    return kJsonLines.open(path, Text(), JsonColumns{{name, Use::kText}}, nullptr);
  };
  EXPECT_THAT([&] { open(""); },
              ThrowsMessage<Error>("column \"\": values of JSON Lines have names, expected a key"));
  EXPECT_THAT([&] { open("#7"); },
              ThrowsMessage<Error>(StartsWith("column \"#7\": values of JSON Lines have names")));
  EXPECT_NO_THROW(open("#tag"));
  EXPECT_NO_THROW(open("#"));
  EXPECT_THAT([&] { kJsonLines.open(folder_.Path("none"), Text(), {}, nullptr); },
              ThrowsMessage<Error>(StartsWith(folder_.Path("none"))));
}

TEST_F(JsonLinesTest, RecognisesObjects) {
  EXPECT_TRUE(kJsonLines.recognises("{\"a\":1}\n"));
  EXPECT_TRUE(kJsonLines.recognises("{}"));
  EXPECT_TRUE(kJsonLines.recognises("\xef\xbb\xbf\r\n \t{ \t\"a"));
  EXPECT_TRUE(kJsonLines.recognises("{\n  \"a\": 1\n}\n")) << "refused as JSON, not as a table";
  for (const char* other :
       {"", "{", "  {", "{a", "[{\"a\":1}]", "a,b\n{\"a\":1}", "\"{\"", "{{", "{1}"})
    EXPECT_FALSE(kJsonLines.recognises(other)) << other;
}

/// Whether another parser takes a line for an object. It also refuses what is beyond a double,
/// which has its own tests, and does not limit the depth.
bool IsJsonObject(const std::string& line) {
  const nlohmann::json parsed = nlohmann::json::parse(line, nullptr, false);
  return parsed.is_object();
}

TEST_F(JsonLinesTest, AgreesWithAnotherParserOnDamagedLines) {
  const std::vector<std::string> whole = {
      R"({"a": 1, "b": [true, false, null, -1.5e3], "c": {"d": "x\n\u00e4", "e": [[], {}]}})",
      R"({"a":{"b":{"c":[1,2,{"d":"e"}]}},"x":"\ud83d\ude00","y":0.5})",
      R"( {"k" : "v" , "l" : [ ] , "m" : { } } )"};
  constexpr std::string_view kPieces = "{}[]:,\"\\ 0123456789.-+eEtrufalsnx/\t\x01\xc3\xa4";
  Random random(1);
  std::string content;
  std::vector<bool> expected;
  for (int i = 0; i < 10'000; ++i) {
    std::string line = whole[random.Below(whole.size())];
    for (uint64_t n = 1 + random.Below(3); n > 0; --n) {
      const size_t at = random.Below(line.size());
      const char piece = kPieces[random.Below(kPieces.size())];
      switch (random.Below(3)) {
        case 0:
          line[at] = piece;
          break;
        case 1:
          line.insert(at, 1, piece);
          break;
        default:
          line.erase(at, 1 + random.Below(3));
      }
    }
    content += line + "\n";
    expected.push_back(IsJsonObject(line));
  }
  const std::vector<std::string> records = Records(content, {{"never", Use::kText}});
  ASSERT_EQ(records.size(), expected.size());
  int n_good = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].find('!') == std::string::npos, expected[i]) << records[i];
    n_good += expected[i] ? 1 : 0;
  }
  EXPECT_GT(n_good, 500);
  EXPECT_LT(n_good, 9500);
}

}  // namespace
}  // namespace zhiyin::worker::data
