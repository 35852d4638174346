// Rows that are served as they are predicted, by a model with joined columns and behaviour.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "common/net/sim_network.h"
#include "common/text.h"
#include "launch/apps/serve/request_json.h"
#include "launch/apps/serve/serve.h"
#include "launch/job/load_job.h"
#include "launch/rank/run_rank.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/files.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Forty events of four users with nine items; a user's last one is held out.
class ServedRows : public ::testing::Test {
 protected:
  ServedRows() {
    std::string events = "user,item,time,click\n";
    for (int i = 0; i < 40; ++i)
      events += TextOf("u", i % 4, ",i", i % 9, ",", i, ",", i / 3 % 2, "\n");
    WriteItems(0);
    const std::string file = folder_.Write("events.csv", events);
    testing::SimulatedJob run = {job::ParseJob(R"(
      data { text { header: true } train { file: ")" +
                                                   file + R"(" } test { file: ")" + file + R"(" }
        behaviour { user: "user" item: "item" time: "time" last: 1 history_length: 3 }
        join { file: ")" + folder_.Path("items.csv") +
                                                   R"(" column: "item" } }
      table { name: "t" dim: 1 optimizer { adagrad { learning_rate: 0.1 } }
              init { normal { stddev: 0.5 } } }
      field { name: "user" } field { name: "kind" } field { name: "history" separator: "|" }
      numeric { name: "price" } numeric { name: "item_log_share" standardise: false }
      task { name: "click" label { number {} } binary_cross_entropy {} }
      model { linear {} }
      train { epochs: 2 batch_size: 20 seed: 1
              dense_optimizer { adam { learning_rate: 0.01 } } })",
                                               "job", "/", {}),
                                 1,
                                 1,
                                 {}};
    run.output = folder_.Path("out");
    const testing::Outcome outcome = testing::Simulate(run);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
  }

  /// The kinds and prices of the items, of which one is malformed; they depend on `shift`.
  void WriteItems(int shift) {
    std::string items = "item,kind,price\n";
    for (int i = 0; i < 8; ++i)
      items += TextOf("i", i, ",k", (i + shift) % 3, ",", (i + shift) % 5, "\n");
    folder_.Write("items.csv", items + "i8,k1,cheap\n");
  }

  /// The predictions of users with items.
  std::vector<double> Predicted(const std::vector<std::string>& pairs) {
    std::string rows = "user,item\n";
    for (const std::string& pair : pairs) rows += pair + "\n";
    rank::RankOptions options;
    options.command = rank::Command::kPredict;
    options.checkpoint = folder_.Path("out");
    options.output = folder_.Path("predictions.tsv");
    options.overwrite = true;
    options.overrides = {"data.test.file=" + folder_.Write("rows.csv", rows)};
    options.network = "simulated";
    options.print = [](const std::string&) {};
    options.print_error = [](const std::string& line) { ADD_FAILURE() << line; };
    net::SimNetwork network(2, {.seed = 1});
    network.Run([&](net::Endpoint& endpoint) { rank::RunRank(endpoint, options); });
    std::istringstream lines(testing::ReadFile(options.output));
    std::string header;
    std::getline(lines, header);
    std::vector<double> predictions;
    double row = 0;
    for (double click = 0; lines >> row >> click;) predictions.push_back(click);
    EXPECT_EQ(predictions.size(), pairs.size());
    return predictions;
  }

  /// The served predictions of these rows.
  std::vector<double> Served(const std::vector<std::string>& rows) {
    const HttpService::Served served =
        LoadServed(FindNewest(folder_.Path("out")), nullptr, {.k = 1}, &inputs_);
    std::string body;
    for (const std::string& row : rows) body += (body.empty() ? "" : ",") + row;
    const auto answer = served.model->Score(ParseRequest("{\"rows\": [" + body + "]}"));
    std::vector<double> predictions;
    for (const auto& prediction : answer["predictions"])
      predictions.push_back(prediction["click"].get<double>());
    return predictions;
  }
  /// Expects that users with items are served as they are predicted.
  void ExpectServedAsPredicted() {
    const std::vector<std::string> pairs = {"u0,i0", "u1,i1", "u2,i8",   "u3,i7", "u1,i2",
                                            "u1,i3", "u1,i4", "new,new", ",i5",   "u2,"};
    std::vector<std::string> rows;
    for (const std::string& pair : pairs) {
      const size_t comma = pair.find(',');
      rows.push_back("{\"user\": \"" + pair.substr(0, comma) + "\", \"item\": \"" +
                     pair.substr(comma + 1) + "\"}");
    }
    const std::vector<double> predicted = Predicted(pairs);
    const std::vector<double> served = Served(rows);
    ASSERT_EQ(served.size(), predicted.size());
    for (size_t i = 0; i < pairs.size(); ++i)
      EXPECT_NEAR(served[i], predicted[i], 1e-6) << pairs[i];
  }

  testing::TempFolder folder_{testing::TempFolder::kInMemory};
  std::shared_ptr<const ServedInputs> inputs_;
};

TEST_F(ServedRows, HaveTheColumnsThatTheirUsersAndItemsBringAlong) {
  ExpectServedAsPredicted();
  EXPECT_THAT(inputs_->BadLineNotes(),
              ElementsAre("data.join[0]: 1 of 9 lines is malformed and left out",
                          HasSubstr("items.csv:10: item \"i8\": ")));
  const std::string row = R"("user": "u1", "item": "i1")";
  const std::vector<double> served =
      Served({"{" + row + "}", "{" + row + R"(, "kind": "k0"})", "{" + row + R"(, "price": null})",
              "{" + row + R"(, "history": []})", "{" + row + R"(, "item_log_share": -1})"});
  for (size_t i = 1; i < served.size(); ++i)
    EXPECT_GT(std::abs(served[i] - served[0]), 1e-6) << "what is sent wins, " << i;
}

TEST_F(ServedRows, FollowFilesThatChange) {
  ExpectServedAsPredicted();
  const std::shared_ptr<const ServedInputs> before = inputs_;
  ExpectServedAsPredicted();
  EXPECT_EQ(inputs_, before) << "they are not read again";
  WriteItems(1);
  ExpectServedAsPredicted();
  EXPECT_NE(inputs_, before);
}

}  // namespace
}  // namespace zhiyin::launch::apps
