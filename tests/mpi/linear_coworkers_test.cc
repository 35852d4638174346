// Ten workers train a linear user model and a linear content model together; their result is
// compared with the least-squares solution, computed here in closed form from the same rows as
// text.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {
namespace {

constexpr int kTrainRows = 160000;

/// Rows of the generated ratings as sparse features, with a label.
struct Ratings {
  std::vector<std::vector<std::pair<int, double>>> features;
  std::vector<double> labels;
  std::map<std::string, int> columns;

  int Column(const std::string& name) {
    return columns.emplace(name, static_cast<int>(columns.size())).first->second;
  }
};

Ratings ReadRatings(const std::string& path) {
  Ratings ratings;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::vector<std::string> names;
  std::istringstream header(line);
  for (std::string name; std::getline(header, name, '\t');) names.push_back(name);
  while (std::getline(file, line)) {
    auto& row = ratings.features.emplace_back();
    row.emplace_back(ratings.Column("bias"), 1.0);
    std::istringstream cells(line);
    std::string cell;
    for (const std::string& name : names) {
      std::getline(cells, cell, '\t');
      if (name == "rating") {
        ratings.labels.push_back(std::stod(cell));
      } else if (name == "user_age" || name == "user_activity" || name == "item_age" ||
                 name == "item_quality") {
        row.emplace_back(ratings.Column(name), std::stod(cell));
      } else {
        std::istringstream values(cell);
        for (std::string value; std::getline(values, value, '|');)
          row.emplace_back(ratings.Column(name + "=" + value), 1.0);
      }
    }
  }
  return ratings;
}

/// MSE and R2 on the test rows of the least-squares fit to the training rows. Redundant columns
/// (the categories of a field add up to the bias) are no harm: the decomposition finds one of the
/// equally good solutions.
std::pair<double, double> LeastSquares(const Ratings& ratings) {
  const int n = static_cast<int>(ratings.columns.size());
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(n, n);
  Eigen::VectorXd moment = Eigen::VectorXd::Zero(n);
  for (int i = 0; i < kTrainRows; ++i) {
    for (const auto& [a, x] : ratings.features[i]) {
      moment[a] += x * ratings.labels[i];
      for (const auto& [b, y] : ratings.features[i]) gram(a, b) += x * y;
    }
  }
  const Eigen::VectorXd weights = gram.completeOrthogonalDecomposition().solve(moment);
  double squared_error = 0;
  double sum = 0;
  double sum_of_squares = 0;
  const double n_test = static_cast<double>(ratings.labels.size() - kTrainRows);
  for (size_t i = kTrainRows; i < ratings.labels.size(); ++i) {
    double prediction = 0;
    for (const auto& [a, x] : ratings.features[i]) prediction += x * weights[a];
    squared_error += (prediction - ratings.labels[i]) * (prediction - ratings.labels[i]);
    sum += ratings.labels[i];
    sum_of_squares += ratings.labels[i] * ratings.labels[i];
  }
  return {squared_error / n_test, 1 - squared_error / (sum_of_squares - sum * sum / n_test)};
}

TEST(LinearCoworkers, TenWorkersFindTheLeastSquaresSolution) {
  const std::string config = "--config=" + SourcePath("configs/linear_coworkers.textproto");
  TempFolder folder;
  const ProcessResult generated =
      RunZhiyin(0, {"generate", config, "--output=" + folder.Path("ratings.tsv")});
  ASSERT_EQ(generated.exit_code, 0) << generated.err;
  const auto [mse, r2] = LeastSquares(ReadRatings(folder.Path("ratings.tsv")));
  EXPECT_NEAR(mse, 0.25, 0.01);  // the noise that the data was made with

  const auto summary = Train(12, {config, "--servers=2"});
  EXPECT_EQ(summary["workers"], 10);
  const auto& rating = summary["tasks"]["rating"];
  EXPECT_NEAR(rating["mse"], mse, 1e-3);
  EXPECT_NEAR(rating["r2"], r2, 2e-3);
  EXPECT_TRUE(rating["auc"].is_null());
  std::printf("closed form: MSE %.6f R2 %.5f; ten workers: MSE %.6f R2 %.5f\n", mse, r2,
              rating["mse"].get<double>(), rating["r2"].get<double>());
}

}  // namespace
}  // namespace zhiyin::testing
