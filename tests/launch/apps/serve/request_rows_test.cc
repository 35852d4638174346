#include "launch/apps/serve/request_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/tsv.h"
#include "launch/job/load_job.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/behaviour.h"
#include "worker/data/side_inputs.h"
#include "worker/data/source.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using worker::data::SplitKind;

/// The kinds of columns: a category, categories, an interval, numbers.
constexpr std::array<const char*, 5> kColumns = {"one", "many", "bucket", "plain", "log"};

class RequestRowsTest : public ::testing::Test {
 protected:
  static Job JobOf(const std::string& file) {
    Job job = testing::TextJob({file});
    Text* const text = job.mutable_data()->mutable_text();
    text->set_delimiter("\t");
    for (const char* column : kColumns) text->add_column_name(column);
    text->add_missing("NA");
    testing::AddField(&job, "one");
    testing::AddField(&job, "many")->set_separator("|");
    Field* const bucket = testing::AddField(&job, "bucket");
    bucket->add_bucket(-1);
    bucket->add_bucket(2);
    testing::AddNumeric(&job, "plain");
    testing::AddNumeric(&job, "log")->set_log1p(true);
    return job;
  }

  /// A file of the job with these lines, of cells as they are written.
  static std::string FileOf(const std::vector<std::vector<std::string>>& lines) {
    std::string text;
    for (const std::vector<std::string>& cells : lines) {
      for (size_t c = 0; c < cells.size(); ++c) text += (c == 0 ? "" : "\t") + cells[c];
      text += '\n';
    }
    return text;
  }

  /// Expects that each body, which asks for one row, gives the example of the line in the file, and
  /// is refused where the line is malformed.
  static void ExpectAsInFile(const Job& job, const std::vector<std::string>& bodies,
                             SplitKind split = SplitKind::kTrain) {
    const auto source = worker::data::MakeSource(job, split, {});
    const testing::Collected file = testing::Collect(source.get());
    ASSERT_EQ(file.n_seen, static_cast<int64_t>(bodies.size()));
    std::set<int64_t> malformed;
    for (const worker::data::BadLine& line : file.bad) malformed.insert(line.row);
    const RequestRows requests(job, worker::data::ReadSideInputs(job), 10);
    worker::data::Examples served(job.field_size(), job.numeric_size(), job.task_size());
    for (size_t i = 0; i < bodies.size(); ++i) {
      bool is_served = true;
      try {
        served.Append(requests.Of(ParseRequest(bodies[i])["rows"]), 0);
      } catch (const RequestError& e) {
        EXPECT_EQ(e.status(), 400);
        is_served = false;
      }
      EXPECT_EQ(is_served, !malformed.contains(static_cast<int64_t>(i))) << bodies[i];
    }
    testing::ExpectSameRows(served, file.rows);
  }

  static worker::data::Examples RowsOf(const Job& job, const std::string& cells) {
    return RequestRows(job, worker::data::ReadSideInputs(job), 10)
        .Of(ParseRequest("{\"rows\": [{" + cells + "}]}")["rows"]);
  }

  /// A line of a file, and the columns that a request has for it.
  struct Line {
    std::string text;
    std::string sent;
  };
  /// Expects as ExpectAsInFile of a file with these lines, which are malformed from n_good on.
  void ExpectAsInLines(const Job& of_format, const std::vector<Line>& lines, int64_t n_good) {
    std::string text;
    std::vector<std::string> bodies;
    for (const Line& line : lines) {
      text += line.text + "\n";
      bodies.push_back("{\"rows\": [{" + line.sent + "}]}");
    }
    Job job = of_format;
    job.mutable_data()->mutable_train()->add_file(folder_.Write("f", text));
    EXPECT_EQ(testing::CollectTrain(job).rows.n, n_good);
    ExpectAsInFile(job, bodies);
  }

  testing::TempFolder folder_;
};

TEST_F(RequestRowsTest, AnyTextMeansWhatItMeansInAFile) {
  constexpr std::array<const char*, 26> kPieces = {
      " ", "  ", "a", "7",  "-",  "+",    ".",   "e3",  "|",  "NA", "12.0", "1e-400", "1e999",
      "0", "知", "é", "\"", "\\", "0x10", "inf", "nan", "\t", "\n", "\x1b", "\r",     ","};
  constexpr std::array<const char*, 8> kNumbers = {"",   "7",  "12.0", "-3e2",
                                                   "+5", "NA", "0.1",  "-0"};
  for (const bool trim : {true, false}) {
    // Trimmed cells that need no escapes, or any cells as TsvCell writes them.
    const size_t n_pieces = trim ? 21 : kPieces.size();
    std::vector<std::vector<std::string>> lines;
    std::vector<std::string> bodies;
    Random random(trim ? 1 : 2);
    for (int n = 0; n < 600; ++n) {
      nlohmann::json row;
      std::vector<std::string>& cells = lines.emplace_back();
      for (const char* column : kColumns) {
        std::string text;
        // Mostly what a number may be, so that most lines are good.
        if (random.Below(8) > 0) {
          text = std::string(trim ? random.Below(3) : 0, ' ');
          text += kNumbers[random.Below(kNumbers.size())];
          text += std::string(trim ? random.Below(3) : 0, ' ');
        } else {
          for (uint64_t i = random.Below(4); i > 0; --i) text += kPieces[random.Below(n_pieces)];
        }
        row[column] = text;
        cells.push_back(trim ? text : TsvCell(text));
      }
      nlohmann::json request;
      request["rows"].push_back(row);
      bodies.push_back(request.dump());
    }
    Job job = JobOf(folder_.Write("f", FileOf(lines)));
    Text* const text = job.mutable_data()->mutable_text();
    text->set_trim(trim);
    text->set_quote("");
    text->set_escapes(!trim);
    ExpectAsInFile(job, bodies);
  }
}

TEST_F(RequestRowsTest, NumbersKeepTheirDigits) {
  const std::vector<std::string> numbers = {"12345678901234567890123",
                                            "-12345678901234567890123",
                                            "18446744073709551615",
                                            "-9223372036854775808",
                                            "12.0",
                                            "12",
                                            "-0",
                                            "-0.0",
                                            "0",
                                            "1e3",
                                            "1E+03",
                                            "0.1000000000000000055511151231257827",
                                            "1e-400",
                                            "1.7976931348623157e308",
                                            "3.4028236e38"};
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> bodies;
  for (const std::string& number : numbers) {
    lines.emplace_back(kColumns.size(), number);
    std::string row;
    for (const char* column : kColumns)
      row += std::string(row.empty() ? "" : ", ") + "\"" + column + "\": " + number;
    bodies.push_back("{\"rows\": [{" + row + "}]}");
  }
  ExpectAsInFile(JobOf(folder_.Write("f", FileOf(lines))), bodies);
}

TEST_F(RequestRowsTest, ANumberAndItsDigitsAsTextAreEqual) {
  const Job job = JobOf("nowhere");
  for (const std::string number : {"12.0", "12345678901234567890123", "7", "-0"}) {
    testing::ExpectSameRows(RowsOf(job, "\"one\": " + number),
                            RowsOf(job, "\"one\": \" " + number + " \""));
  }
  EXPECT_NE(RowsOf(job, R"("one": 12.0)").keys, RowsOf(job, R"("one": 12)").keys);
}

TEST_F(RequestRowsTest, RefusesWhatNoFileCanHold) {
  const Job job = JobOf("nowhere");
  const auto refused = [&](const std::string& cells) { return [=] { RowsOf(job, cells); }; };
  EXPECT_THAT(refused(R"("one": "a\u0000b")"),
              ThrowsMessage<RequestError>("rows[0].one: a NUL at byte 1, expected text"));
  EXPECT_THAT(refused("\"one\": \"\xff\""), ThrowsMessage<RequestError>(HasSubstr("no JSON")));
  EXPECT_THAT(refused(R"("one": 1e999)"),
              ThrowsMessage<RequestError>(
                  "the number 1e999 is out of range, expected it as text in quotes"));
  EXPECT_THAT(
      refused(R"("one": true)"),
      ThrowsMessage<RequestError>(HasSubstr("rows[0].one: a boolean, expected text, a number")));
  EXPECT_THAT(refused(R"("two": 1)"), ThrowsMessage<RequestError>(HasSubstr("no column \"two\"")));
}

TEST_F(RequestRowsTest, AnArrayMeansWhatItMeansInJsonLines) {
  Job job = JobOf("");
  job.mutable_data()->clear_train();
  Text* const text = job.mutable_data()->mutable_text();
  text->Clear();
  text->add_missing("NA");
  text->set_trim(true);
  std::vector<Line> lines;
  for (const char* cells :
       {R"("one": ["a", " b ", 7, null, "", "NA"], "many": ["x|y", "z"])",
        R"("one": [], "many": [null])", R"("one": [12.0, 1234567890123456789012])",
        R"("one": " a|b ", "many": " a|b ")", R"("many": [["a"]])", R"("many": [{"a": 1}])",
        R"("many": "a", "many": "b")"})
    lines.push_back({std::string("{") + cells + "}", cells});
  ExpectAsInLines(job, lines, 4);
}

TEST_F(RequestRowsTest, AnArrayIsForColumnsOfManyValues) {
  Job job = JobOf("nowhere");
  testing::ExpectSameRows(RowsOf(job, R"("many": ["a", 7])"), RowsOf(job, R"("many": "a|7")"));
  const auto refused = [&](const std::string& cells) { return [=] { RowsOf(job, cells); }; };
  const char* const expected = ": an array, expected text, a number or null";
  for (const char* column : {"one", "bucket", "plain"}) {
    EXPECT_THAT(refused("\"" + std::string(column) + "\": [1]"),
                ThrowsMessage<RequestError>("rows[0]." + std::string(column) + expected));
  }
  EXPECT_THAT(refused(R"("many": ["a", "b\u0000"])"),
              ThrowsMessage<RequestError>(HasSubstr("rows[0].many[1]: a NUL at byte 1")));
  EXPECT_THAT(refused(R"("many": ["a", true])"),
              ThrowsMessage<RequestError>(HasSubstr("rows[0].many[1]: a boolean")));
  testing::AddField(&job, "whole", "many");
  EXPECT_THAT(refused(R"("many": ["a"])"), ThrowsMessage<RequestError>(HasSubstr("an array")))
      << "a field takes all of the text for one value";
}

TEST_F(RequestRowsTest, RowsOfLibsvmHaveZerosWhereTheyHaveNoValue) {
  Job job = testing::TextJob({});
  job.mutable_data()->mutable_text()->mutable_libsvm()->set_ignore_values(true);
  testing::AddField(&job, "words", "indices");
  testing::AddField(&job, "seventh", "7");
  testing::AddNumeric(&job, "third", "3");
  testing::AddField(&job, "size", "9")->add_bucket(0.5);
  const std::vector<Line> lines = {{"0 3:5 007:1", R"("indices": [3, "007"], "3": 5, "7": "1")"},
                                   {"0 7:1 9:1", R"("indices": " 7 9", "7": 1, "9": 1)"},
                                   {"0 12:1", R"("indices": 12)"},
                                   {"0", ""},
                                   {"0", R"("indices": [])"},
                                   {"0 x:1", R"("indices": "x")"},
                                   {"0 3:1 03:1", R"("indices": "3 03", "3": 1)"},
                                   {"0 7:a", R"("7": "a")"},
                                   {"0 3:a", R"("3": "a")"}};
  ExpectAsInLines(job, lines, 5);
  EXPECT_EQ(RowsOf(job, "").numerics[0], 0);
  EXPECT_TRUE(std::isnan(RowsOf(job, R"("3": null)").numerics[0])) << "missing, and so it says";
  EXPECT_THAT(
      [&] { RowsOf(job, R"("indices": "1,3")"); },
      ThrowsMessage<RequestError>(R"(rows[0].indices: "1,3", expected a whole number below 2^64)"));
  job.mutable_data()->mutable_text()->add_missing("0");
  EXPECT_TRUE(std::isnan(RowsOf(job, "").numerics[0]));
}

TEST_F(RequestRowsTest, TheFilesOrTheNamesTellThatRowsAreOfLibsvm) {
  Job job = testing::TextJob({folder_.Write("f", "0 3:1\n1 4:1\n")});
  testing::AddNumeric(&job, "third", "3");
  EXPECT_EQ(RowsOf(job, "").numerics[0], 0);
  job.mutable_data()->mutable_train()->set_file(0, "nowhere");
  EXPECT_EQ(RowsOf(job, "").numerics[0], 0);
  job.mutable_data()->mutable_text()->set_header(true);
  EXPECT_TRUE(std::isnan(RowsOf(job, "").numerics[0])) << "a column that is called 3";
}

TEST_F(RequestRowsTest, RowsOfOtherTokensAreReadAsLines) {
  Job libffm = testing::TextJob({});
  libffm.mutable_data()->mutable_text()->mutable_libffm();
  testing::AddField(&libffm, "words", "1");
  testing::AddNumeric(&libffm, "size", "0.value");
  ExpectAsInLines(libffm,
                  {{"1 0:3:0.5 1:117:1", R"("0.value": 0.5, "1": 117)"},
                   {"1 1:4:1 1:05:1", R"("1": [4, "05"])"},
                   {"1 1:4:1 1:5:1", R"("1": "4 5")"},
                   {"1 0:1:a", R"("0.value": "a")"},
                   {"1 1:a:1", R"("1": ["a"])"}},
                  3);
  Job slots = testing::TextJob({});
  slots.mutable_data()->mutable_text()->mutable_slots();
  slots.mutable_data()->mutable_text()->add_column_name("id");
  testing::AddField(&slots, "id");
  testing::AddField(&slots, "words", "2");
  testing::AddField(&slots, "second", "x[1]");
  testing::AddNumeric(&slots, "price");
  ExpectAsInLines(slots,
                  {{"a b, 2:k 2:l price:3", R"("id": "a b", "2": "k l", "price": 3)"},
                   {"c, 2:k 2:m:n x:p x:q", R"("id": "c", "2": ["k", "m:n"], "x[1]": "q")"},
                   {"c,2:k,2:l", R"("id": "c", "2": "k,l")"},
                   {"d, price:3 price:4", R"("id": "d", "price": "3 4")"}},
                  3);
}

/// Jobs whose rows have a user, an item and an hour; the model reads what these bring along.
class RequestRowsWithInputs : public RequestRowsTest {
 protected:
  RequestRowsWithInputs() {
    const std::string events = folder_.Write(
        "events.csv",
        "user,item,time,rating\nann,cup,1,5\nbob,pot,2,1\nann,mug,3,4\nann,pot,4,2\nann,7,5,2\n"
        "知,cup,6,3\n7,7.0,7,3\n7.0,cup,8,1\n");
    folder_.Write("users.csv", "user,city\nann,Aachen\nbob,Bonn\n7,Bonn\nnew,NA\n");
    folder_.Write("cities.csv", "city,region\nAachen,west\nBonn,east\n");
    folder_.Write("items.csv", "item,kinds,price\ncup,a|b,2.5\n7,b,7\nmug,,NA\nnew,c,1\n");
    const auto join = [&](const char* file, const char* column) {
      return "join { file: \"" + folder_.Path(file) + "\" column: \"" + column + "\" } ";
    };
    job_ = job::ParseJob(R"(data { text { header: true missing: "NA" } train { file: ")" + events +
                             R"(" } test { file: ")" + folder_.Write("rows.csv", "") + R"(" }
             behaviour { user: "user" item: "item" time: "time" history_length: 3 } )" +
                             join("users.csv", "user") + join("cities.csv", "city") +
                             join("items.csv", "item") + R"(}
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "item" } field { name: "city" } field { name: "region" }
      field { name: "kinds" separator: "|" } field { name: "history" separator: "|" }
      numeric { name: "hour" } numeric { name: "price" } numeric { name: "item_log_share" }
      task { name: "rating" label { number {} } squared_error {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })",
                         "job", "/", {});
  }

  Job job_;
};

TEST_F(RequestRowsWithInputs, HaveWhatJoinsAndBehaviourAddToAFile) {
  const std::array<std::vector<const char*>, 3> texts = {
      {{"ann", "bob", "eve", " ann ", "7", "7.0", "知", "new", "NA", ""},
       {"cup", "pot", "mug", "7", "7.0", " cup", "new", "c|p", "NA", ""},
       {"12.0", "1e3", "x", "NA", ""}}};
  constexpr std::array<const char*, 3> kNames = {"user", "item", "hour"};
  std::string file = "user,item,hour\n";
  std::vector<std::string> bodies;
  Random random(3);
  for (int n = 0; n < 400; ++n) {
    nlohmann::json row = nlohmann::json::object();
    for (size_t c = 0; c < kNames.size(); ++c) {
      const std::string text = texts[c][random.Below(texts[c].size())];
      file += text + (c + 1 < kNames.size() ? "," : "\n");
      const bool is_missing = text.empty() || text == "NA";
      if (!is_missing || random.Below(2) > 0) row[kNames[c]] = text;
    }
    nlohmann::json request;
    request["rows"].push_back(row);
    bodies.push_back(request.dump());
  }
  folder_.Write("rows.csv", file);
  ExpectAsInFile(job_, bodies, SplitKind::kTestFiles);
}

TEST_F(RequestRowsWithInputs, AreWhatTheySayThemselves) {
  Job plain = job_;
  plain.mutable_data()->clear_join();
  plain.mutable_data()->clear_behaviour();
  const auto share =
      "\"item_log_share\": " + worker::data::Behaviour::Read(job_)->LogShareOf("cup");
  testing::ExpectSameRows(
      RowsOf(job_, R"("user": "ann", "item": "cup")"),
      RowsOf(plain, R"("item": "cup", "city": "Aachen", "region": "west", "kinds": ["a", "b"],
                       "price": 2.5, "history": "mug|pot|7", )" +
                        share));
  testing::ExpectSameRows(
      RowsOf(job_, R"("user": "ann", "item": "cup", "city": "Bonn", "kinds": ["c"], "price": 3,
                      "history": ["pot", "new"], "item_log_share": -1)"),
      RowsOf(plain, R"("item": "cup", "city": "Bonn", "region": "east", "kinds": "c", "price": 3,
                       "history": "pot|new", "item_log_share": -1)"));
  testing::ExpectSameRows(
      RowsOf(job_, R"("user": "ann", "item": "cup", "city": null, "kinds": [], "price": null,
                      "history": "", "item_log_share": null)"),
      RowsOf(plain, R"("item": "cup")"));
  EXPECT_THAT([&] { RowsOf(job_, R"("user": ["ann"])"); },
              ThrowsMessage<RequestError>(HasSubstr("rows[0].user: an array, expected text")));
  EXPECT_THAT([&] { RowsOf(job_, R"("time": 7)"); },
              ThrowsMessage<RequestError>(HasSubstr("no column \"time\"")));
}

TEST_F(RequestRowsTest, AKeyThatStandsTwiceIsRefused) {
  const auto refused = [](const std::string& body) { return [=] { ParseRequest(body); }; };
  EXPECT_THAT(
      refused(R"({"rows": [{"one": "a"}, {"one": "b", "many": 1, "one": "b"}]})"),
      ThrowsMessage<RequestError>("rows[1]: \"one\" stands twice in its object, expected once"));
  EXPECT_THAT(refused(R"({"user": "u", "columns": {"one": null, "one": "b"}})"),
              ThrowsMessage<RequestError>(HasSubstr("columns: \"one\" stands twice")));
  EXPECT_THAT(refused(R"({"rows": [], "rows": []})"),
              ThrowsMessage<RequestError>(HasSubstr("the body: \"rows\" stands twice")));
  EXPECT_NO_THROW(ParseRequest(R"({"rows": [{"one": 1}, {"one": 1}]})"));
}

}  // namespace
}  // namespace zhiyin::launch::apps
