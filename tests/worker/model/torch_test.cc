// Models against PyTorch: the cases of tests/data/torch, which tests/support/torch_twins.py has
// recorded; computed anew where `python3 -c 'import torch'` works.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include "tests/support/example_jobs.h"
#include "tests/support/files.h"
#include "tests/support/process.h"
#include "worker/model/dense_weights.h"
#include "worker/model/model.h"

namespace zhiyin::worker::model {
namespace {

using Arrays = std::map<std::string, std::vector<float>>;

/// Lines `name count`, each before one of numbers.
Arrays ReadArrays(std::istream& in) {
  Arrays arrays;
  std::string name;
  size_t n = 0;
  while (in >> name >> n) {
    std::vector<float>& values = arrays[name];
    values.resize(n);
    for (float& value : values) in >> value;
  }
  return arrays;
}

struct Case {
  explicit Case(const std::string& path) {
    std::istringstream in(testing::ReadFile(path));
    std::string key, twin;
    in >> key >> twin >> key;
    std::getline(in, model_text);
    in >> key >> dim;
    arrays = ReadArrays(in);
  }
  std::string model_text;
  int dim = 0;
  Arrays arrays;
};

Arrays OurAnswers(const Case& recorded) {
  const Job job = testing::ExampleJob(recorded.model_text, recorded.dim, 0, true);
  const std::unique_ptr<Model> model = MakeModel(job);
  const std::vector<float>& weights = recorded.arrays.at("weights");
  EXPECT_EQ(static_cast<int64_t>(weights.size()), model->n_weights());
  DenseWeights dense(model->n_weights());
  std::copy(weights.begin(), weights.end(), dense.weights().begin());
  const std::vector<float>& x = recorded.arrays.at("x");
  const Eigen::Index dim = InputLayout::Of(job).dim;
  const Eigen::Index n = static_cast<Eigen::Index>(x.size()) / dim;
  const Matrix doutputs =
      ConstMatrixView(recorded.arrays.at("doutputs").data(), n, job.task_size());
  Matrix outputs, dx;
  model->Forward(dense.weights(), ConstMatrixView(x.data(), n, dim), nn::Pass(), &outputs);
  model->Backward(dense.weights(), ConstMatrixView(x.data(), n, dim), doutputs, dense.gradients(),
                  &dx);
  return {{"outputs", {outputs.data(), outputs.data() + outputs.size()}},
          {"dweights", {dense.gradients().begin(), dense.gradients().end()}},
          {"dx", {dx.data(), dx.data() + dx.size()}}};
}

void ExpectNear(const Arrays& ours, const Arrays& theirs) {
  for (const auto& [name, tolerance] :
       {std::pair{"outputs", 1e-5}, {"dweights", 1e-4}, {"dx", 1e-4}}) {
    ASSERT_EQ(theirs.count(name), 1u) << name;
    const std::vector<float>& a = ours.at(name);
    const std::vector<float>& b = theirs.at(name);
    ASSERT_EQ(a.size(), b.size()) << name;
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_NEAR(a[i], b[i], tolerance * std::max(1.0f, std::abs(b[i]))) << name << " " << i;
  }
}

std::vector<std::string> Recorded() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::SourcePath("tests/data/torch")))
    names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

class Torch : public ::testing::TestWithParam<std::string> {
 protected:
  std::string path() const {
    return testing::SourcePath("tests/data/torch/" + GetParam() + ".txt");
  }
};

TEST_P(Torch, GaveTheSameOutputsAndGradients) {
  const Case recorded(path());
  ExpectNear(OurAnswers(recorded), recorded.arrays);
}

TEST_P(Torch, GivesTheSameOutputsAndGradients) {
  const testing::ProcessResult found = testing::RunProcess({"python3", "-c", "import torch"}, 100);
  if (found.exit_code != 0)
    GTEST_SKIP() << "no PyTorch here: only what it gave when the cases were recorded is compared";
  const testing::ProcessResult twin = testing::RunProcess(
      {"python3", testing::SourcePath("tests/support/torch_twins.py"), "check", path()}, 100);
  ASSERT_EQ(twin.exit_code, 0) << twin.err;
  std::istringstream in(twin.out);
  ExpectNear(OurAnswers(Case(path())), ReadArrays(in));
}

INSTANTIATE_TEST_SUITE_P(Cases, Torch, ::testing::ValuesIn(Recorded()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace zhiyin::worker::model
