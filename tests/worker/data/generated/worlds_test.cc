// What must hold for every source of generated data, and what each of them promises.
#include "worker/data/generated/worlds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "tests/support/kind_examples.h"
#include "worker/data/writer/table_format.h"

namespace zhiyin::worker::data {
namespace {

using zhiyin::testing::TempFolder;

Data DataOf(const std::string& source) {
  // Defaults are those of a whole job.
  const Job job = launch::job::ParseJob("data { " + source + R"( train {} }
      numeric { name: "x" column: "#0" }
      task { name: "y" label { column: "#1" number {} } squared_error {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 2 dense_optimizer { sgd { learning_rate: 1 } } })",
                                        "job", ".", {});
  return job.data();
}

using Table = std::vector<std::vector<std::string>>;

std::vector<std::string> TextsOf(std::span<const Value> values) {
  std::vector<std::string> texts;
  for (const Value& value : values) texts.emplace_back(value.text());
  return texts;
}

Table RowsOf(const Data& data) {
  const std::unique_ptr<World> world = ChosenWorld(data)->make(data);
  Table rows;
  for (int64_t i = 0; i < GeneratedRows(data); ++i) {
    rows.push_back(TextsOf(world->Row(i)));
  }
  return rows;
}

/// The examples of all kinds, each of 300 rows.
std::vector<std::string> Sources() {
  std::vector<std::string> sources;
  for (const WorldKind* kind : Worlds()) {
    for (const std::string& source : testing::ExamplesOf("generated", kind->name))
      sources.push_back(source);
  }
  return sources;
}

TEST(EveryWorld, HasARowForEveryNumberInAnyOrder) {
  for (const std::string& source : Sources()) {
    const Data data = DataOf(source);
    const Table rows = RowsOf(data);
    ASSERT_EQ(rows[0].size(), ChosenWorld(data)->columns(data).size()) << source;
    const std::unique_ptr<World> world = ChosenWorld(data)->make(data);
    for (int64_t i = 299; i >= 0; i -= 7) {
      EXPECT_EQ(TextsOf(world->Row(i)), rows[static_cast<size_t>(i)]) << source << " " << i;
    }
    EXPECT_NE(rows[0], rows[1]);
  }
}

TEST(EveryWorld, IsTheSameAsText) {
  for (const std::string& source : Sources()) {
    const Data data = DataOf(source);
    std::ostringstream out;
    WriteTable(GeneratedTable(data), kTsvTable, &out);
    std::istringstream in(out.str());
    std::string line;
    std::getline(in, line);
    std::string header;
    for (const std::string& column : GeneratedColumns(data))
      header += (header.empty() ? "" : "\t") + column;
    EXPECT_EQ(line, header);
    for (const auto& row : RowsOf(data)) {
      std::getline(in, line);
      std::string expected = row[0];
      for (size_t c = 1; c < row.size(); ++c) expected += "\t" + row[c];
      ASSERT_EQ(line, expected) << source;
    }
    EXPECT_FALSE(std::getline(in, line)) << source;
  }
}

double Number(const std::string& text) {
  return std::stod(text);
}

/// Of the tasks' labels, with no sine and no noise: the correlation of w_0 x and w_1 x.
double CorrelationOf(double p) {
  const Table rows =
      RowsOf(DataOf("generated_related_tasks { n_rows: 20000 n_features: 5 n_sines: 0 noise: 0 "
                    "scale: 3 seed: 2 correlation: " +
                    std::to_string(p) + " }"));
  double ab = 0, aa = 0, bb = 0;
  for (const auto& row : rows) {
    const double a = Number(row[5]), b = Number(row[6]);
    ab += a * b;
    aa += a * a;
    bb += b * b;
  }
  EXPECT_NEAR(aa / 20000, 9, 0.4) << "scale^2";
  EXPECT_NEAR(bb / 20000, 9, 0.4);
  return ab / std::sqrt(aa * bb);
}

TEST(RelatedTasks, AreAsRelatedAsTheyWereToldToBe) {
  EXPECT_NEAR(CorrelationOf(1), 1, 1e-5);
  EXPECT_NEAR(CorrelationOf(0.5), 0.5, 0.02);
  EXPECT_NEAR(CorrelationOf(0), 0, 0.02);
  EXPECT_NEAR(CorrelationOf(-1), -1, 1e-5);
}

TEST(RelatedTasks, AreLinearButForSinesAndNoise) {
  const Table plain =
      RowsOf(DataOf("generated_related_tasks { n_rows: 5000 n_sines: 0 noise: 0 seed: 2 }"));
  const Table noisy =
      RowsOf(DataOf("generated_related_tasks { n_rows: 5000 n_sines: 0 noise: 0.5 seed: 2 }"));
  const Table wavy =
      RowsOf(DataOf("generated_related_tasks { n_rows: 5000 n_sines: 1 noise: 0 seed: 2 }"));
  double squares = 0, highest = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    squares += std::pow(Number(noisy[i][20]) - Number(plain[i][20]), 2);
    highest = std::max(highest, std::abs(Number(wavy[i][20]) - Number(plain[i][20])));
  }
  EXPECT_NEAR(squares / 5000, 0.25, 0.02);
  EXPECT_NEAR(highest, 1, 1e-3) << "one sine";
}

TEST(Funnel, KeepsItsProbabilities) {
  const Table rows = RowsOf(
      DataOf("generated_funnel { n_rows: 100000 n_steps: 3 n_users: 300 n_items: 200 seed: 7 }"));
  // user item step_1..3 after_2..3 p_1..3
  double n_before = 100000;
  for (size_t k = 1; k <= 3; ++k) {
    double expected = 0, seen = 0, variance = 0;
    for (const auto& row : rows) {
      const bool could = k == 1 || row[k] == "1";
      EXPECT_TRUE(could || row[1 + k] == "0") << "a step without the one before";
      if (!could) continue;
      const double p = Number(row[6 + k]);
      expected += p;
      variance += p * (1 - p);
      seen += row[1 + k] == "1";
    }
    EXPECT_NEAR(seen, expected, 4 * std::sqrt(variance)) << "step " << k;
    EXPECT_GT(seen, 0.02 * n_before);
    EXPECT_LT(seen, 0.8 * n_before);
    n_before = seen;
  }
}

TEST(Funnel, TellsWhatALogKnowsAndThenTheTruth) {
  const Table rows =
      RowsOf(DataOf("generated_funnel { n_rows: 4000 n_steps: 3 n_logged: 3000 seed: 7 }"));
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t k = 2; k <= 3; ++k) {
      const std::string& after = rows[i][3 + k];
      if (i >= 3000) {
        EXPECT_EQ(after, rows[i][6 + k]);
      } else {
        EXPECT_EQ(after, rows[i][k] == "1" ? rows[i][1 + k] : "");
      }
    }
  }
}

TEST(Funnel, IsNotClickedAtRandom) {
  double shown = 0, clicked = 0, n_clicked = 0;
  for (const auto& row : RowsOf(DataOf("generated_funnel { n_rows: 20000 seed: 3 }"))) {
    const double p = Number(row[6]);
    shown += p;
    if (row[2] != "1") continue;
    clicked += p;
    n_clicked += 1;
  }
  EXPECT_GT(clicked / n_clicked, 1.3 * shown / 20000)
      << "there is no bias for a model to be misled by";
}

}  // namespace
}  // namespace zhiyin::worker::data
