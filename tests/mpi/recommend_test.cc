// From events in a file to lists: `zhiyin train`, then `zhiyin recommend`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "tests/support/files.h"
#include "tests/support/taste_job.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;

void TrainInto(const std::string& output, int n_ranks, const Arguments& arguments) {
  Arguments all = {"train", "--output=" + output, "--progress=none"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const ProcessResult result = RunZhiyin(n_ranks, all);
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
}

TEST(Recommend, FromEventsToLists) {
  const TempFolder folder;
  const std::string config =
      folder.Write("job.textproto", TasteConfig(folder.Write("events.csv", TasteEvents())));
  TrainInto(folder.Path("model"), 3, {"--config=" + config});
  const Arguments recommend = {"recommend", "--checkpoint=" + folder.Path("model")};
  const auto run = [&](const Arguments& more) {
    Arguments all = recommend;
    all.insert(all.end(), more.begin(), more.end());
    return RunZhiyin(0, all);
  };

  const std::string users = folder.Write("users", "u7\nu4\n");
  EXPECT_THAT(run({"--users=" + users, "--k=5", "--format=jsonl"}).out,
              ::testing::ContainsRegex("^\\{\"user\":\"u7\".*\n\\{\"user\":\"u4\".*\n$"));
  const ProcessResult lists = run({"--k=5", "--format=jsonl"});
  ASSERT_EQ(lists.exit_code, 0) << lists.err;
  std::istringstream lines(lists.out);
  int n_items = 0;
  int n_of_other_taste = 0;
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json list = nlohmann::json::parse(line);
    const int user = std::stoi(list["user"].get<std::string>().substr(1));
    ASSERT_EQ(list["items"].size(), 5u);
    std::set<std::string> seen;
    for (int k = 0; k < 9; ++k)
      seen.insert("i" + std::to_string(2 * ((user / 2 + 3 * k) % 20) + user % 2));
    for (const auto& one : list["items"]) {
      const std::string item = one["item"];
      ++n_items;
      n_of_other_taste += std::stoi(item.substr(1)) % 2 != user % 2;
      EXPECT_EQ(seen.count(item), 0u) << item << " was seen";
      EXPECT_EQ(one["because"].size(), 2u);
    }
  }
  EXPECT_EQ(n_items, 60 * 5);
  // Drawn at random it would be two thirds.
  EXPECT_LT(n_of_other_taste, n_items / 5);

  const ProcessResult all = run({});
  EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 1 + 60 * 10);
  EXPECT_EQ(all.out, run({}).out);
  const ProcessResult measured = run({"--measure", "--k=11"});
  EXPECT_THAT(measured.out, HasSubstr("most popular"));
  // Eleven items of the own taste are left, one of them the held-out one.
  EXPECT_THAT(measured.out, ::testing::ContainsRegex("tastes +60  1.0000"));
  EXPECT_THAT(measured.out, ::testing::Not(HasSubstr("left out")));
  const ProcessResult graph = run({"--k=5", "--format=jsonl", "--index=hnsw"});
  EXPECT_EQ(graph.exit_code, 0) << graph.err;
  EXPECT_THAT(graph.err, HasSubstr("--index=hnsw finds 1.000 of the best 200 items, measured on 60 "
                                   "users\n"));

  const auto error = [&](const Arguments& more) {
    const ProcessResult result = run(more);
    EXPECT_EQ(result.exit_code, 1);
    return result.err;
  };
  EXPECT_THAT(error({"--formula=rating *"}),
              HasSubstr("formula, column 9: the end, expected a number, a task or ("));
  EXPECT_THAT(error({"--k=0"}), HasSubstr("--k=0: expected at least 1"));
  EXPECT_THAT(error({"--format=xml"}), HasSubstr("--format=xml: expected tsv, jsonl or text"));
  EXPECT_THAT(error({"--relevance=2"}), HasSubstr("--relevance=2: expected 0 to 1"));
  EXPECT_THAT(error({"--set", "model.two_tower.temperature=2"}),
              HasSubstr("the model is taken as it was trained"));
  EXPECT_THAT(error({"--servers=2"}), HasSubstr("--servers means nothing to recommend"));
  EXPECT_THAT(error({"--measure", "--format=jsonl"}),
              HasSubstr("--format means nothing to recommend --measure"));
  const ProcessResult some =
      run({"--users=" + folder.Write("more", "u1\nu99\nu2\n"), "--format=jsonl",
           "--items=" + folder.Write("some", "i1\ni2\ni99\ni3\ni5\n")});
  EXPECT_EQ(some.exit_code, 0);
  EXPECT_THAT(some.out, ::testing::ContainsRegex("^\\{\"user\":\"u1\".*\n\\{\"user\":\"u2\".*\n$"));
  EXPECT_THAT(some.err, HasSubstr("more:2: no user \"u99\" among the 60 users of data.train: left "
                                  "out\n"));
  EXPECT_THAT(some.err, HasSubstr("more: 1 of 3 lines are left out\n"));
  EXPECT_THAT(some.err, HasSubstr("some:3: no item \"i99\" among the 40 items"));
  EXPECT_THAT(error({"--users=" + folder.Write("none", "u98\nu99\n")}),
              HasSubstr("none: none of its lines is of use, expected a user of data.train"));
  EXPECT_THAT(RunZhiyin(0, {"train", "--config=" + config, "--k=5"}).err,
              HasSubstr("--k means nothing to train"));
}

TEST(Recommend, AnyIdIsWrittenAndReadBack) {
  const TempFolder folder;
  // Item i1 becomes one with a tab, u7 one with a quote and a line end, i2 a long one.
  std::string events = TasteEvents();
  const auto rename = [&](const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = events.find(from, at)) != events.npos; at += to.size())
      events.replace(at, from.size(), to);
  };
  rename(",i1,", ",a\tb\\,");
  rename(",i2,", "," + std::string(20'000, 'x') + ",");
  rename("\nu7,", "\n\"\"\"seven\"\"\n!\",");
  const std::string config =
      folder.Write("job.textproto", TasteConfig(folder.Write("events.csv", events)));
  TrainInto(folder.Path("model"), 0, {"--config=" + config, "--simulate=1x1"});
  const Arguments recommend = {"recommend", "--checkpoint=" + folder.Path("model"), "--seen"};
  Arguments some = recommend;
  some.push_back("--users=" + folder.Write("users", "\\x22seven\"\\n!\nu4\n"));
  some.push_back("--items=" + folder.Write("items", "a\\tb\\\\\ni4\n"));
  const ProcessResult lists = RunZhiyin(0, some);
  ASSERT_EQ(lists.exit_code, 0) << lists.err;
  EXPECT_THAT(lists.out, HasSubstr("\n\\x22seven\"\\n!\t1\t"));
  EXPECT_THAT(lists.out, HasSubstr("\ta\\tb\\\\\t"));
  const ProcessResult all = RunZhiyin(0, recommend);
  std::istringstream lines(all.out);
  int n_lines = 0;
  for (std::string line; std::getline(lines, line); ++n_lines)
    ASSERT_EQ(std::count(line.begin(), line.end(), '\t'), 4) << line.substr(0, 200);
  EXPECT_EQ(n_lines, 1 + 60 * 10);
}

TEST(Recommend, TheModelDoesNotDependOnTheNumberOfWorkers) {
  const TempFolder folder;
  const std::string config =
      folder.Write("job.textproto", TasteConfig(folder.Write("events.csv", TasteEvents())));
  std::set<std::string> all;
  // As it is, and with all that is drawn at random from row to row.
  for (const std::string field : {"", "mask: 0.2", "crop: 0.5 reorder: 0.5 dropout: 0.1"}) {
    std::set<std::string> lists;
    for (const std::string cast : {"1x1", "2x2", "1x2"}) {
      Arguments train = {"--config=" + config, "--simulate=" + cast, "--overwrite"};
      if (!field.empty())
        train.insert(train.end(),
                     {"--set", "field[history].augment={" + field + "}", "--set",
                      "task[0].weight=0.1", "--set", "task[0].negative_share=0.5", "--set",
                      "data.behaviour.negatives={per_event: 2 by: POPULARITY task: 'rating'}"});
      TrainInto(folder.Path(cast), 0, train);
      lists.insert(RunZhiyin(0, {"recommend", "--checkpoint=" + folder.Path(cast)}).out);
    }
    EXPECT_EQ(lists.size(), 1u) << field;
    all.insert(lists.begin(), lists.end());
  }
  EXPECT_EQ(all.size(), 3u);
}

/// The data may not be part of the project: it is looked for beside it.
TEST(Recommend, MovieLensBeatsItsBaselines) {
  const std::string data = SourcePath("../shared/data/ml-100k/u.data");
  if (!std::filesystem::exists(data))
    GTEST_SKIP() << data << " is not here: MovieLens 100K cannot be passed on";
  const TempFolder folder;
  TrainInto(folder.Path("lists"), 0,
            {"--config=" + SourcePath("configs/movielens_lists.textproto"), "--simulate=1x1"});
  const ProcessResult measured =
      RunZhiyin(0, {"recommend", "--checkpoint=" + folder.Path("lists"), "--measure"});
  const auto values = [&](const std::string& name) {
    double recall = 0, ndcg = 0;
    const size_t at = measured.out.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name << " in\n" << measured.out;
    if (at != std::string::npos)
      std::sscanf(measured.out.c_str() + at + 1 + name.size(), "%*d %lf (%*f-%*f) %lf", &recall,
                  &ndcg);
    return std::pair(recall, ndcg);
  };
  EXPECT_NEAR(values("most popular").first, 0.086, 0.001);
  EXPECT_NEAR(values("most popular").second, 0.045, 0.001);
  EXPECT_NEAR(values("item-item, 100 nearest").first, 0.118, 0.001);
  EXPECT_NEAR(values("item-item, 100 nearest").second, 0.064, 0.001);
  EXPECT_GE(values("movielens_lists").first, 0.120);
  EXPECT_GE(values("movielens_lists").second, 0.066);
}

TEST(Recommend, MovieLensRatingsAreAsGoodAsPlainFactorisation) {
  const std::string data = SourcePath("../shared/data/ml-100k/u.data");
  if (!std::filesystem::exists(data))
    GTEST_SKIP() << data << " is not here: MovieLens 100K cannot be passed on";
  double sum = 0;
  for (const std::string seed : {"1", "2", "3"}) {
    const nlohmann::json summary =
        Train(0, {"--config=" + SourcePath("configs/movielens_rating.textproto"), "--simulate=1x1",
                  "--set", "data.behaviour.seed=" + seed});
    sum += summary["tasks"]["stars"]["rmse"].get<double>();
  }
  EXPECT_LE(sum / 3, 0.925);
}

}  // namespace
}  // namespace zhiyin::testing
