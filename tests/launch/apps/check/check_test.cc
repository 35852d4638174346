// zhiyin check, from a job's file to what it prints and writes.
#include "launch/apps/check/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "common/error.h"
#include "launch/apps/generate/generate.h"
#include "tests/support/files.h"
#include "tests/support/planted_faults.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

/// What a run of the command does.
struct Outcome {
  int code = 0;
  std::string printed;
};

Outcome RunOf(CheckCommand command) {
  Outcome outcome;
  command.print = [&](const std::string& text) { outcome.printed += text; };
  outcome.code = CheckJobData(command);
  return outcome;
}

/// A folder with a job and its data.
class CheckCommandTest : public ::testing::TestWithParam<bool> {
 protected:
  CheckCommandTest() {
    testing::WriteSplits(folder_, GetParam());
    command_.config = folder_.Write("job.textproto", testing::PlantedFaultsJob());
  }

  testing::TempFolder folder_;
  CheckCommand command_;
};

INSTANTIATE_TEST_SUITE_P(Check, CheckCommandTest, ::testing::Bool());

TEST_P(CheckCommandTest, PrintsTablesAndFindings) {
  const Outcome outcome = RunOf(command_);
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.printed, StartsWith("data.train: 3000 examples"));
  EXPECT_THAT(outcome.printed,
              AllOf(HasSubstr("data.test: 1500 examples"), HasSubstr("\nbought    data.train"),
                    HasSubstr("\ncountry  field")));
  if (GetParam()) {
    EXPECT_THAT(outcome.printed,
                AllOf(HasSubstr("warning: field \"code\": says what field \"country\" says in "
                                "every training example (duplicate)\n"),
                      HasSubstr("\nnote: ")));
  } else {
    EXPECT_THAT(outcome.printed, AllOf(EndsWith("\nnothing found\n"), Not(HasSubstr("warning:"))));
  }
}

TEST_P(CheckCommandTest, IsStrictAboutFindings) {
  command_.is_strict = true;
  EXPECT_EQ(RunOf(command_).code, GetParam() ? 1 : 0);
}

TEST_P(CheckCommandTest, PrintsJson) {
  command_.as_json = true;
  const nlohmann::json json = nlohmann::json::parse(RunOf(command_).printed);
  EXPECT_EQ(json["splits"]["test"]["examples"], 1500);
  EXPECT_EQ(json["tasks"]["bought"]["train"]["labels"], 3000);
  EXPECT_EQ(json["inputs"].size(), 11);
  const nlohmann::json& country = json["inputs"][2];
  EXPECT_EQ(country["name"], "country");
  EXPECT_EQ(country["distinct"], 9);
  EXPECT_EQ(country["distinct_is_exact"], true);
  EXPECT_EQ(country["most_frequent"].size(), 9);
  EXPECT_NEAR(country["tells"]["bought"]["by_value"].get<double>(), 0.5, 0.05);
  EXPECT_EQ(json["joins"][0]["matched"]["train"], GetParam() ? 0 : 3000);
  EXPECT_EQ(json["joins"][0]["lines"], 30);
  EXPECT_EQ(json["joins"][0]["malformed"], 0);
  std::set<std::string> kinds;
  for (const nlohmann::json& finding : json["findings"])
    kinds.insert(finding["kind"].get<std::string>());
  if (GetParam()) {
    EXPECT_THAT(kinds,
                IsSupersetOf({"malformed", "one_class", "rate_drift", "tells_label", "constant",
                              "missing", "unseen", "drift", "duplicate", "number_as_category",
                              "category_as_number", "shared_rows", "join"}));
  } else {
    EXPECT_TRUE(kinds.empty());
  }
}

TEST_P(CheckCommandTest, WritesAPageWithHistograms) {
  command_.output = folder_.Path("page.html");
  RunOf(command_);
  const std::string page = testing::ReadFile(command_.output);
  EXPECT_THAT(page, AllOf(HasSubstr("<h1>planted_faults: what its data holds</h1>"),
                          HasSubstr("<h2>Findings</h2>"), HasSubstr("<title>load</title>"),
                          HasSubstr("<h3>country</h3>"), Not(HasSubstr("nan"))));
  EXPECT_THAT(page, HasSubstr(GetParam() ? "says what field &quot;country&quot; says"
                                         : "<p>Nothing found.</p>"));
  EXPECT_THAT([&] { RunOf(command_); }, ThrowsMessage<Error>(HasSubstr("page.html")));
  command_.overwrite = true;
  EXPECT_EQ(RunOf(command_).code, 0);
}

TEST(Check, FindsNothingInTheShop) {
  const testing::TempFolder folder;
  GenerateWorld(
      {"shop", {"n_events=20000", "seed=1"}, folder.Path(), "tsv", false, [](const auto&) {}});
  CheckCommand command;
  command.config = testing::SourcePath("configs/shop_esmm.textproto");
  for (const char* split : {"train", "test"}) {
    command.overrides.push_back("data." + std::string(split) +
                                ".file=" + folder.Path("events.tsv"));
  }
  command.overrides.push_back("data.join[0].file=" + folder.Path("users.tsv"));
  command.overrides.push_back("data.join[1].file=" + folder.Path("items.tsv"));
  const Outcome outcome = RunOf(command);
  EXPECT_THAT(outcome.printed, EndsWith("\nnothing found\n"));
  EXPECT_THAT(outcome.printed,
              HasSubstr("data.test: 100.00 % of the examples with a key find their item in"));
}

}  // namespace
}  // namespace zhiyin::launch::apps
