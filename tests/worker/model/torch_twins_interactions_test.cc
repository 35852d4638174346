// Models with a cross network, target attention and a transformer against their twins in PyTorch,
// tests/support/ torch_twins_interactions.py: recorded in tests/data/torch_twins, and run anew
// where python3 has torch.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "tests/support/process.h"
#include "worker/model/dense_weights.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model {
namespace {

constexpr double kOutputTolerance = 1e-5;
constexpr double kGradientTolerance = 1e-4;

std::map<std::string, Matrix> ReadMatrices(const std::string& path) {
  std::map<std::string, Matrix> matrices;
  std::ifstream in(path);
  EXPECT_TRUE(in.is_open()) << path;
  std::string name;
  Eigen::Index rows = 0;
  Eigen::Index cols = 0;
  while (in >> name >> rows >> cols) {
    Matrix& m = matrices[name];
    m.resize(rows, cols);
    for (Eigen::Index i = 0; i < m.size(); ++i) in >> m.data()[i];
    EXPECT_TRUE(in) << path << ": " << name;
  }
  return matrices;
}

/// The largest difference, relative where the twin's number is above 1.
double Difference(const Matrix& ours, const Matrix& theirs) {
  EXPECT_EQ(ours.rows(), theirs.rows());
  EXPECT_EQ(ours.cols(), theirs.cols());
  if (ours.rows() != theirs.rows() || ours.cols() != theirs.cols()) return 1e9;
  return ((ours - theirs).array().abs() / theirs.array().abs().max(1.0f)).maxCoeff();
}

void ExpectTheSame(const Job& job, const std::string& path) {
  const std::map<std::string, Matrix> twin = ReadMatrices(path);
  ASSERT_EQ(twin.size(), 6u) << path;
  const std::unique_ptr<Model> model = MakeModel(job);
  ASSERT_EQ(model->n_weights(), twin.at("weights").size());
  DenseWeights dense(model->n_weights());
  std::copy_n(twin.at("weights").data(), twin.at("weights").size(), dense.weights().begin());
  const Matrix& x = twin.at("x");
  const ConstMatrixView view(x.data(), x.rows(), x.cols());
  Matrix outputs;
  Matrix dx;
  model->Forward(dense.weights(), view, nn::Pass(), &outputs);
  model->Backward(dense.weights(), view, twin.at("direction"), dense.gradients(), &dx);
  const Matrix dweights = ConstMatrixView(dense.gradients().data(), 1, model->n_weights());
  EXPECT_LT(Difference(outputs, twin.at("outputs")), kOutputTolerance) << path;
  EXPECT_LT(Difference(dweights, twin.at("dweights")), kGradientTolerance) << path;
  EXPECT_LT(Difference(dx, twin.at("dx")), kGradientTolerance) << path;
}

void ExpectTheSameInFolder(const std::string& folder) {
  const std::string network = "shared_bottom { bottom: 5 tower: 3 } ";
  ExpectTheSame(testing::ExampleJob(network + "interaction { cross_v2 { n_layers: 2 } }", 3),
                folder + "/dcn_v2.txt");
  const auto expect_reader = [&](const std::string& reader, const std::string& file) {
    const std::string sequence = "sequence { field: \"item_tags\" " + reader + " }";
    ExpectTheSame(testing::ExampleJob(network + sequence, 3, 3), folder + file);
  };
  expect_reader("din { query: \"item_genre\" hidden: [5, 4] }", "/din.txt");
  expect_reader("bst { query: \"item_genre\" n_blocks: 2 n_heads: 3 hidden: 5 }", "/bst.txt");
}

TEST(TorchTwinsOfInteractions, GiveTheRecordedOutputsAndGradients) {
  ExpectTheSameInFolder(testing::SourcePath("tests/data/torch_twins"));
}

TEST(TorchTwinsOfInteractions, GiveTheSameOutputsAndGradientsNow) {
  if (testing::RunProcess({"python3", "-c", "import torch"}, 60).exit_code != 0)
    GTEST_SKIP() << "python3 has no torch: the recorded ones stand in for it";
  for (const char* seed : {"2", "3", "4"}) {
    const testing::TempFolder folder;
    const testing::ProcessResult run = testing::RunProcess(
        {"python3", testing::SourcePath("tests/support/torch_twins_interactions.py"), folder.Path(),
         seed},
        100);
    ASSERT_EQ(run.exit_code, 0) << run.err;
    ExpectTheSameInFolder(folder.Path());
  }
}

}  // namespace
}  // namespace zhiyin::worker::model
