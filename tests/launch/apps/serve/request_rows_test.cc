#include "launch/apps/serve/request_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/tsv.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/source.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

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
  static void ExpectAsInFile(const Job& job, const std::vector<std::string>& bodies) {
    const auto source = worker::data::MakeSource(job, worker::data::SplitKind::kTrain, {});
    const testing::Collected file = testing::Collect(source.get());
    ASSERT_EQ(file.n_seen, static_cast<int64_t>(bodies.size()));
    std::set<int64_t> malformed;
    for (const worker::data::BadLine& line : file.bad) malformed.insert(line.row);
    const RequestRows requests(job, 10);
    worker::data::Examples served(3, 2, 0);
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
    return RequestRows(job, 10).Of(ParseRequest("{\"rows\": [{" + cells + "}]}")["rows"]);
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
