// What is ESMM's own: the logit of a product, its equations, its chain of tasks, counterfactual
// weights, and the jobs that it cannot have.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "launch/job/load_job.h"
#include "tests/support/example_jobs.h"
#include "tests/support/plain_twin.h"
#include "tests/support/refused_jobs.h"
#include "worker/model/dense_weights.h"
#include "worker/model/loss/loss.h"
#include "worker/model/model.h"
#include "worker/model/nn/logit_of_product.h"

namespace zhiyin::worker::model {
namespace {

using testing::ExpectLikeTwin;
using testing::ExpectRefused;
using testing::LineOfJob;
using testing::LineOfModel;
using testing::PlainBank;
using testing::PlainLayer;
using testing::Point;
using testing::ShopJob;
using testing::Taker;
using testing::Values;

/// Binary cross-entropy of a logit, and its derivative.
double Entropy(double z, double y) {
  return std::max(z, 0.0) - y * z + std::log1p(std::exp(-std::abs(z)));
}
double EntropySlope(double z, double y) {
  return 1 / (1 + std::exp(-z)) - y;
}

double SigmoidOf(double z) {
  return 1 / (1 + std::exp(-z));
}

TEST(LogitOfProduct, OfProbabilitiesInTheMiddle) {
  Values da(2);
  // 0.8 * 0.5 = 0.4
  EXPECT_NEAR(nn::LogitOfProduct(Values{std::log(4.0), 0}, da), std::log(0.4 / 0.6), 1e-14);
  Values one(1);
  EXPECT_NEAR(nn::LogitOfProduct(Values{-1.25}, one), -1.25, 1e-14);
  EXPECT_NEAR(one[0], 1, 1e-14);
}

TEST(LogitOfProduct, ItsDerivativeIsADerivative) {
  for (const Values& at : {Values{0.3, -0.7},
                           {2, 3, -1},
                           {9, 9},
                           {-20, -9},
                           {36.999, 36.999},
                           {-300, 300},
                           {-5, 40},
                           {41, 40}}) {
    Values da(at.size()), ignored(at.size());
    nn::LogitOfProduct(at, da);
    for (size_t j = 0; j < at.size(); ++j) {
      // Below, where the rounding of what is far larger hides the difference.
      if (da[j] < 1e-6) continue;
      const double step = 1e-5 * std::max(1.0, std::abs(at[j]));
      Values above = at, below = at;
      above[j] += step;
      below[j] -= step;
      const double difference =
          (nn::LogitOfProduct(above, ignored) - nn::LogitOfProduct(below, ignored)) / (2 * step);
      EXPECT_NEAR(da[j] / difference, 1, 1e-6) << j << " of " << at.size() << " at " << at[j];
    }
  }
}

TEST(LogitOfProduct, IsFiniteAndKnownAtTheEnds) {
  Values da(2);
  // Far up, 1 - p = exp(-a) + exp(-b).
  EXPECT_NEAR(nn::LogitOfProduct(Values{1000, 1000}, da), 1000 - std::log(2.0), 1e-9);
  EXPECT_EQ(da, (Values{0.5, 0.5}));
  EXPECT_NEAR(nn::LogitOfProduct(Values{50, 3e38}, da), 50, 1e-12);
  EXPECT_EQ(da, (Values{1, 0}));
  // Far down, log p = a + b.
  EXPECT_NEAR(nn::LogitOfProduct(Values{-1000, -500}, da), -1500, 1e-9);
  EXPECT_EQ(da, (Values{1, 1}));
  EXPECT_NEAR(nn::LogitOfProduct(Values{-3e38, 3e38}, da), -3e38, 1e23);
  EXPECT_EQ(da, (Values{1, 0}));
  // No step where one formula takes over from the other.
  EXPECT_NEAR(
      nn::LogitOfProduct(Values{37 + 1e-9, 38}, da) - nn::LogitOfProduct(Values{37 - 1e-9, 38}, da),
      0, 4e-9);
}

TEST(EsmmReference, OutputsAreLogitsOfTheProductAndOfTheClick) {
  const Job job = testing::ExampleJob(
      R"(esmm { hidden: 5 hidden: 4 step { task: "first_group" } step { task: "rating" } })", 3, 0,
      true);
  ExpectLikeTwin(job, [](const Point& at, const Point&) {
    Taker from(at.weights);
    const PlainBank hidden(14, 2, {5, 4}, {}, &from);
    const PlainLayer click(4, 1, &from), conversion(4, 1, &from);
    EXPECT_TRUE(from.AtEnd());
    const std::vector<Values> h = hidden.Experts(at.x);
    const double a = click(h[0], false)[0], b = conversion(h[1], false)[0];
    const double p = SigmoidOf(a) * SigmoidOf(b);
    return Values{std::log(p / (1 - p)), a};
  });
}

/// Tasks in another order than the steps.
Job ChainJob(double ipw_weight) {
  Job job = testing::ExampleJob("shared_bottom { bottom: 5 }", 3, 0, true);
  const Task task = job.task(0);
  job.clear_task();
  for (const char* name : {"purchase", "click", "cart_of_click", "cart", "purchase_of_cart"}) {
    *job.add_task() = task;
    job.mutable_task()->rbegin()->set_name(name);
  }
  Esmm* esmm = job.mutable_model()->mutable_esmm();
  esmm->add_hidden(5);
  esmm->set_ipw_weight(ipw_weight);
  esmm->set_min_propensity(0.2);
  for (const auto& [name, conditional] :
       {std::pair{"click", ""}, {"cart", "cart_of_click"}, {"purchase", "purchase_of_cart"}}) {
    Esmm::Step* step = esmm->add_step();
    step->set_task(name);
    step->set_conditional_task(conditional);
  }
  return job;
}

struct ChainRun {
  explicit ChainRun(const Job& job) : model(MakeModel(job)), dense(model->n_weights()) {
    model->InitWeights(Random(2), dense.weights());
    Random random(5);
    x.resize(7, InputLayout::Of(job).dim);
    for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
    model->Forward(dense.weights(), ConstMatrixView(x.data(), x.rows(), x.cols()), nn::Pass(),
                   &outputs);
  }
  std::unique_ptr<Model> model;
  DenseWeights dense;
  Matrix x;
  Matrix outputs;
};

TEST(Esmm, ConditionalTasksAreWhatTheProductsAreMadeOf) {
  ChainRun run(ChainJob(0));
  for (Eigen::Index i = 0; i < run.x.rows(); ++i) {
    const double click = SigmoidOf(run.outputs(i, 1));
    const double cart = click * SigmoidOf(run.outputs(i, 2));
    const double purchase = cart * SigmoidOf(run.outputs(i, 4));
    EXPECT_NEAR(SigmoidOf(run.outputs(i, 3)), cart, 1e-6);
    EXPECT_NEAR(SigmoidOf(run.outputs(i, 0)), purchase, 1e-6);
    EXPECT_LT(run.outputs(i, 3), run.outputs(i, 1));
  }
}

TEST(Esmm, OutputsAreProductsBesideAWidePart) {
  Job job = ChainJob(0);
  job.mutable_model()->mutable_wide()->add_numeric("item_quality");
  job.mutable_model()->mutable_wide()->mutable_fm()->add_field("item_genre");
  job.mutable_model()->mutable_wide()->mutable_fm()->add_field("item_tags");
  ChainRun run(job);
  for (size_t w = 0; w < 5; ++w) run.dense.weights()[w] = 2.0f * static_cast<float>(w) - 3;
  const Matrix before = run.outputs;
  run.model->Forward(run.dense.weights(), ConstMatrixView(run.x.data(), run.x.rows(), run.x.cols()),
                     nn::Pass(), &run.outputs);
  EXPECT_GT((run.outputs - before).cwiseAbs().minCoeff(), 0) << "it adds to every step";
  for (Eigen::Index i = 0; i < run.x.rows(); ++i) {
    const double cart = SigmoidOf(run.outputs(i, 1)) * SigmoidOf(run.outputs(i, 2));
    EXPECT_NEAR(SigmoidOf(run.outputs(i, 3)), cart, 1e-6);
    EXPECT_NEAR(SigmoidOf(run.outputs(i, 0)), cart * SigmoidOf(run.outputs(i, 4)), 1e-6);
    EXPECT_LE(run.outputs(i, 3), run.outputs(i, 1));
    EXPECT_LE(run.outputs(i, 0), run.outputs(i, 3));
  }
}

TEST(Esmm, GradientsOfAllItsOutputsAddUp) {
  ChainRun run(ChainJob(0));
  const Matrix all = Matrix::Constant(7, 5, 0.5f);
  Matrix dx, sum = Matrix::Zero(7, run.x.cols());
  const ConstMatrixView view(run.x.data(), run.x.rows(), run.x.cols());
  for (int t = 0; t < 5; ++t) {
    Matrix one = Matrix::Zero(7, 5);
    one.col(t).setConstant(0.5f);
    run.model->Backward(run.dense.weights(), view, one, run.dense.gradients(), &dx);
    EXPECT_GT(dx.norm(), 0) << t;
    sum += dx;
  }
  run.model->Backward(run.dense.weights(), view, all, run.dense.gradients(), &dx);
  EXPECT_LT((dx - sum).cwiseAbs().maxCoeff(), 1e-5);
}

TEST(Esmm, StepsStartWhereTheirTasksAreProductsOfTheMeans) {
  const auto logit = [](double p) { return std::log(p / (1 - p)); };
  const std::unique_ptr<Model> model = MakeModel(ChainJob(0));
  DenseWeights dense(model->n_weights());
  // purchase, click, cart_of_click, cart, purchase_of_cart: those of conditional tasks follow.
  model->InitOutputs(Values{logit(0.02), logit(0.5), 9, logit(0.1), 9}, dense.weights());
  const Matrix x = Matrix::Zero(1, InputLayout::Of(ChainJob(0)).dim);
  Matrix outputs;
  model->Forward(dense.weights(), ConstMatrixView(x.data(), 1, x.cols()), nn::Pass(), &outputs);
  EXPECT_NEAR(SigmoidOf(outputs(0, 0)), 0.02, 1e-6);
  EXPECT_NEAR(SigmoidOf(outputs(0, 1)), 0.5, 1e-6);
  EXPECT_NEAR(SigmoidOf(outputs(0, 2)), 0.2, 1e-6);
  EXPECT_NEAR(SigmoidOf(outputs(0, 3)), 0.1, 1e-6);
  EXPECT_NEAR(SigmoidOf(outputs(0, 4)), 0.2, 1e-6);
  // A purchase without a click, as labels may have it, is as likely as can be after one.
  model->InitOutputs(Values{logit(0.02), logit(0.1), 0, logit(0.3), 0}, dense.weights());
  model->Forward(dense.weights(), ConstMatrixView(x.data(), 1, x.cols()), nn::Pass(), &outputs);
  EXPECT_NEAR(SigmoidOf(outputs(0, 3)), 0.1, 1e-6);
}

TEST(Esmm, CounterfactualWeightsAreInversePropensities) {
  ChainRun run(ChainJob(3));
  run.outputs(0, 1) = -6;  // a propensity below the least that counts
  std::vector<double> labels(7 * 5, std::numeric_limits<float>::quiet_NaN());
  for (size_t i : {0u, 2u, 3u}) labels[i * 5 + 2] = i == 2 ? 1.0f : 0.0f;
  labels[2 * 5 + 4] = 1;
  std::vector<double> sums(5, 1.5);
  Matrix doutputs = Matrix::Constant(7, 5, 0.25f);
  run.model->AddAuxiliaryLoss(run.outputs, labels, {}, 0.5f, sums, &doutputs);

  double cart = 1.5, purchase = 1.5;
  for (Eigen::Index i = 0; i < 7; ++i) {
    for (const int t : {0, 1, 3}) EXPECT_EQ(doutputs(i, t), 0.25f) << "propensities are held fixed";
    const float label = labels[static_cast<size_t>(i) * 5 + 2];
    if (std::isnan(label)) {
      EXPECT_EQ(doutputs(i, 2), 0.25f);
      continue;
    }
    const double weight = 3 / (i == 0 ? 0.2 : std::max(SigmoidOf(run.outputs(i, 1)), 0.2));
    cart += weight * Entropy(run.outputs(i, 2), label);
    EXPECT_NEAR(doutputs(i, 2), 0.25 + 0.5 * weight * EntropySlope(run.outputs(i, 2), label), 1e-5);
  }
  const double weight = 3 / std::max(SigmoidOf(run.outputs(2, 3)), 0.2);
  purchase += weight * Entropy(run.outputs(2, 4), 1);
  EXPECT_NEAR(doutputs(2, 4), 0.25 + 0.5 * weight * EntropySlope(run.outputs(2, 4), 1), 1e-5);
  EXPECT_NEAR(sums[2], cart, 1e-5);
  EXPECT_NEAR(sums[4], purchase, 1e-5);
  EXPECT_EQ(sums[0], 1.5);
}

TEST(Esmm, WithoutCounterfactualWeightsItAddsNothing) {
  ChainRun run(ChainJob(0));
  std::vector<double> sums(5);
  Matrix doutputs = Matrix::Zero(7, 5);
  run.model->AddAuxiliaryLoss(run.outputs, std::vector<double>(35, 1), {}, 1, sums, &doutputs);
  EXPECT_TRUE(doutputs.isZero(0));
  EXPECT_EQ(sums, std::vector<double>(5, 0));
}

TEST(Esmm, IsRefusedWithOneLineWhereItCannotBe) {
  ExpectRefused({
      {R"(esmm { step { task: "click" } step { task: "order" } })",
       "job:13: model.esmm: hidden has no layer, expected at least 1"},
      {"esmm { hidden: 4 }",
       "job:13: model.esmm: step has 0 entries, expected at least 2: a chain of events, as a click "
       "and a purchase"},
      {R"(esmm { hidden: 4 step { task: "click" } })",
       "job:13: model.esmm: step has 1 entry, expected at least 2: a chain of events, as a click "
       "and a purchase"},
      {R"(esmm { hidden: 4 step { task: "click" } step { task: "ordr" } })",
       "job:13: model.esmm.step[1].task: no task \"ordr\"; the nearest is \"order\""},
      {R"(esmm { hidden: 4 step { task: "click" } step {} })",
       "job:13: model.esmm.step[1]: has no task"},
      {R"(esmm { hidden: 4 step { task: "click" } step { task: "click" } })",
       "job:13: model.esmm.step[1].task: \"click\" has its place in an earlier one"},
      {R"(esmm { hidden: 4 step { task: "click" conditional_task: "order" } step { task: "order" } })",
       "job:13: model.esmm.step[0].conditional_task: is given for the first step, which nothing "
       "comes before, expected none"},
      {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" conditional_task: "cvr" } })",
       "job:13: model.esmm.step[1].conditional_task: no task \"cvr\"; known are click, order"},
      {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } })",
       "--set task[order].weight=0: task[order].weight: is 0, but a step of esmm is learned from "
       "it, expected more",
       {"task[order].weight=0"}},
      {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } ipw_weight: 1 })",
       "job:13: model.esmm.ipw_weight: is given, but no step has a conditional_task, whose labels "
       "it weighs"},
      {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } ipw_weight: -1 })",
       "job:13: model.esmm.ipw_weight: is -1, expected 0 or more"},
      {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } min_propensity: 0 })",
       "job:13: model.esmm.min_propensity: is 0, expected a number above 0"},
      {R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } min_propensity: 1.5 })",
       "job:13: model.esmm.min_propensity: is 1.5, expected 0 to 1"},
  });
}

TEST(Esmm, IsAcceptedWhereEverythingFits) {
  EXPECT_EQ(LineOfModel(R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } })"),
            testing::kNoError);
}

TEST(Esmm, OneTaskIsNotEnough) {
  EXPECT_EQ(
      LineOfJob(ShopJob(testing::kClickTask,
                        R"(esmm { hidden: 4 step { task: "click" } step { task: "click" } })")),
      "job:12: model.esmm.step[1].task: \"click\" has its place in an earlier one");
}

TEST(Esmm, ItsStepsAreProbabilities) {
  EXPECT_EQ(
      LineOfJob(ShopJob(std::string(testing::kClickTask) + testing::kPriceTask,
                        R"(esmm { hidden: 4 step { task: "click" } step { task: "price" } })")),
      "job:13: model.esmm.step[1].task: task \"price\" has another loss, expected "
      "binary_cross_entropy: the model gives probabilities");
}

TEST(Esmm, EveryTaskHasAPlaceInIt) {
  const std::string three =
      std::string(testing::kClickTask) + testing::kOrderTask +
      R"(task { name: "cvr" label { column: "order" equals: "1" } binary_cross_entropy {} }
)";
  EXPECT_EQ(LineOfJob(ShopJob(
                three, R"(esmm { hidden: 4 step { task: "click" } step { task: "order" } })")),
            "job:12: task[cvr]: \"cvr\" has no place in model.esmm, expected it as the task or the "
            "conditional_task of a step");
  const std::string text = ShopJob(
      three,
      R"(esmm { hidden: 4 step { task: "click" } step { task: "order" conditional_task: "cvr" } })");
  const Job job = launch::job::ParseJob(text, "job", "/data", {});
  EXPECT_EQ(job.task(1).weight(), 1);
  EXPECT_EQ(job.task(2).weight(), 0) << "implied";
  const std::vector<std::string> overrides = {"task[cvr].weight=0.5"};
  EXPECT_EQ(launch::job::ParseJob(text, "job", "/data", overrides).task(2).weight(), 0.5);
}

/// A negative that is left out has no conditional label, and those that are kept would count once.
TEST(Esmm, CounterfactualLossesNeedAllLabels) {
  const std::string text = ShopJob(
      std::string(testing::kClickTask) + testing::kOrderTask +
          R"(task { name: "cvr" label { column: "order" equals: "1" } binary_cross_entropy {} }
)",
      R"(esmm { hidden: 4 step { task: "click" } step { task: "order" conditional_task: "cvr" } })");
  const std::string share = "task[cvr].negative_share=0.5", weight = "model.esmm.ipw_weight=1";
  EXPECT_EQ(LineOfJob(text, {share, weight}),
            "--set task[cvr].negative_share=0.5: task[cvr].negative_share: is 0.5, expected 1 with "
            "model.esmm.ipw_weight, whose loss counts every label once: without a part of the "
            "negatives it is biased");
  EXPECT_EQ(LineOfJob(text, {share}), testing::kNoError);
  EXPECT_EQ(LineOfJob(text, {"task[click].negative_share=0.5", weight}), testing::kNoError)
      << "predictions of the step before have the weights of its labels";
}

}  // namespace
}  // namespace zhiyin::worker::model
