// Each method against its definition, worked out by hand, by brute force, or in closed form.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "tests/support/finite_difference.h"
#include "worker/model/balance/balancers.h"

namespace zhiyin::worker::model::balance {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

Job JobWith(const std::string& balance) {
  return testing::ExampleJob("shared_bottom { bottom: 4 }", 2, 0, false,
                             "balance { " + balance + " }");
}

/// The third task is like the second, but for its weight.
Job JobOfThreeTasks(const std::string& balance, double weight) {
  Job job = JobWith(balance);
  *job.add_task() = job.task(1);
  job.mutable_task(2)->set_name("third");
  job.mutable_task(2)->set_weight(weight);
  return job;
}

/// Facts that own the memory they point to.
struct Facts {
  explicit Facts(size_t n_tasks)
      : objectives(n_tasks, 1), losses(n_tasks, 1), labelled(n_tasks, 1), own_weights(n_tasks) {}

  SliceFacts Make() const {
    SliceFacts facts;
    facts.objectives = objectives;
    facts.losses = losses;
    facts.labelled = labelled;
    facts.epochs = &epochs;
    facts.own_weights = own_weights;
    facts.gram = gram;
    facts.seed = seed;
    return facts;
  }

  std::vector<double> objectives, losses, labelled;
  std::vector<std::vector<double>> epochs;
  std::vector<float> own_weights;
  Eigen::MatrixXd gram;
  uint64_t seed = 0;
};

TaskFactors Balanced(const Balancer& balancer, const Facts& facts) {
  TaskFactors factors(facts.losses.size(), static_cast<size_t>(balancer.n_own_weights()));
  balancer.Balance(facts.Make(), &factors);
  return factors;
}

Eigen::MatrixXd RandomGradients(Eigen::Index n_tasks, Eigen::Index dim, uint64_t seed) {
  Random random(seed);
  Eigen::MatrixXd g(n_tasks, dim);
  for (double& value : g.reshaped()) value = random.Normal();
  return g;
}

Facts WithGradients(const Eigen::MatrixXd& gradients) {
  Facts facts(static_cast<size_t>(gradients.rows()));
  facts.gram = gradients * gradients.transpose();
  return facts;
}

Eigen::VectorXd Shared(const Balancer& balancer, const Facts& facts) {
  const TaskFactors factors = Balanced(balancer, facts);
  return Eigen::Map<const Eigen::VectorXd>(factors.shared.data(),
                                           static_cast<Eigen::Index>(factors.shared.size()));
}

TEST(PcGrad, TakesAwayWhatPointsTheOtherWay) {
  const auto pc_grad = kPcGrad.make(Job());
  // g_0 = (1, 0), g_1 = (-1, 1): g_0 - (-1/2) g_1 = (1/2, 1/2) and g_1 - (-1) g_0 = (0, 1).
  Facts facts(2);
  facts.gram = Eigen::MatrixXd{{1, -1}, {-1, 2}};
  EXPECT_THAT(Balanced(*pc_grad, facts).shared,
              ElementsAre(DoubleNear(2, 1e-12), DoubleNear(1.5, 1e-12)));
  EXPECT_THAT(Balanced(*pc_grad, facts).own, ElementsAre(1, 1));
  facts.gram = Eigen::MatrixXd{{1, 0.5}, {0.5, 2}};
  EXPECT_THAT(Balanced(*pc_grad, facts).shared, ElementsAre(1, 1)) << "there is no conflict";
}

TEST(PcGrad, DoesAsTheAlgorithmOnTheGradientsThemselves) {
  const auto pc_grad = kPcGrad.make(Job());
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Eigen::MatrixXd g = RandomGradients(3, 4, seed);
    Facts facts = WithGradients(g);
    facts.seed = seed;
    const Eigen::VectorXd step = g.transpose() * Shared(*pc_grad, facts);
    // All orders there are; one of them must be it.
    double nearest = 1e9;
    for (int orders = 0; orders < 8; ++orders) {
      Eigen::VectorXd sum = Eigen::VectorXd::Zero(4);
      for (Eigen::Index i = 0; i < 3; ++i) {
        Eigen::Index others[] = {(i + 1) % 3, (i + 2) % 3};
        if ((orders >> i & 1) != 0) std::swap(others[0], others[1]);
        Eigen::VectorXd projected = g.row(i);
        for (const Eigen::Index j : others) {
          const Eigen::VectorXd other = g.row(j);
          projected -= std::min(projected.dot(other), 0.0) / other.squaredNorm() * other;
        }
        sum += projected;
      }
      nearest = std::min(nearest, (sum - step).norm());
    }
    EXPECT_LT(nearest, 1e-9) << seed;
  }
}

TEST(PcGrad, LeavesTwoTasksWithoutConflict) {
  const auto pc_grad = kPcGrad.make(Job());
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Eigen::MatrixXd g = RandomGradients(2, 3, seed);
    const Eigen::VectorXd step = g.transpose() * Shared(*pc_grad, WithGradients(g));
    EXPECT_GE((g * step).minCoeff(), -1e-12);
  }
}

TEST(Mgda, IsTheClosedFormOfTwoTasks) {
  const auto mgda = kMgda.make(Job());
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Eigen::MatrixXd g = RandomGradients(2, 3, seed);
    g.row(1) *= std::exp(static_cast<double>(seed % 9) - 4);
    const Eigen::VectorXd a = g.row(0), b = g.row(1);
    const double alpha = std::clamp((b - a).dot(b) / (a - b).squaredNorm(), 0.0, 1.0);
    const Eigen::VectorXd shared = Shared(*mgda, WithGradients(g));
    EXPECT_NEAR(shared[0], 2 * alpha, 1e-5) << seed;
    EXPECT_NEAR(shared.sum(), 2, 1e-12);
  }
}

TEST(Mgda, HasNoShorterMeanAndHarmsNobody) {
  const auto mgda = kMgda.make(Job());
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Eigen::MatrixXd g = RandomGradients(4, 3 + static_cast<Eigen::Index>(seed % 4), seed);
    const Eigen::VectorXd step = g.transpose() * Shared(*mgda, WithGradients(g)) / 4;
    // Of the shortest vector of a convex set: no other lies less far along it.
    EXPECT_GE((g * step).minCoeff(), step.squaredNorm() - 1e-4 * g.squaredNorm()) << seed;
  }
}

TEST(CaGrad, FindsTheDirectionInWhichTheWorstTaskGainsMost) {
  for (const double c : {0.0, 0.4, 0.9}) {
    Job job;
    job.mutable_train()->mutable_balance()->mutable_ca_grad()->set_c(c);
    const auto ca_grad = kCaGrad.make(job);
    for (uint64_t seed = 0; seed < 40; ++seed) {
      const Eigen::Index n_tasks = 2 + static_cast<Eigen::Index>(seed % 2);
      const Eigen::MatrixXd g = RandomGradients(n_tasks, 2, seed);
      const Eigen::VectorXd mean = g.colwise().mean();
      const Eigen::VectorXd step =
          g.transpose() * Shared(*ca_grad, WithGradients(g)) / static_cast<double>(n_tasks);
      EXPECT_LE((step - mean).norm(), c * mean.norm() + 1e-9);
      double best = -1e9;
      for (int i = 0; i < 20000; ++i) {
        const double angle = 2 * M_PI * i / 20000;
        const Eigen::Vector2d way(std::cos(angle), std::sin(angle));
        best = std::max(best, (g * (mean + c * mean.norm() * way)).minCoeff());
      }
      EXPECT_GE((g * step).minCoeff(), best - 1e-3 * mean.norm()) << "c " << c << ", seed " << seed;
    }
  }
}

TEST(DynamicWeightAverage, FollowsTheLastTwoEpochs) {
  const auto average =
      kDynamicWeightAverage.make(JobWith("dynamic_weight_average { temperature: 2 }"));
  Facts facts(2);
  EXPECT_THAT(Balanced(*average, facts).shared, ElementsAre(1, 1));
  facts.epochs = {{5, 5}};
  EXPECT_THAT(Balanced(*average, facts).shared, ElementsAre(1, 1));
  facts.epochs = {{100, 1}, {2, 4}, {1, 4}};  // ratios 1/2 and 1
  const double a = std::exp(0.25), b = std::exp(0.5);
  for (const auto& of : {Balanced(*average, facts).shared, Balanced(*average, facts).own})
    EXPECT_THAT(
        of, ElementsAre(DoubleNear(2 * a / (a + b), 1e-12), DoubleNear(2 * b / (a + b), 1e-12)));
  facts.epochs = {{2, std::nan("")}, {2, 3}};
  EXPECT_THAT(Balanced(*average, facts).shared, ElementsAre(1, 1)) << "the second had no labels";
  facts.epochs = {{-1, 3}, {-2, 3}};
  EXPECT_THAT(Balanced(*average, facts).shared, ElementsAre(1, 1)) << "below 0, twice is no slower";
}

TEST(Uncertainty, WeighsByTheVariance) {
  const auto uncertainty =
      kUncertainty.make(JobWith("uncertainty {}"));  // a squared error, a cross-entropy
  Facts facts(2);
  facts.own_weights = {std::log(4.0f), std::log(0.25f)};
  facts.objectives = {3, 0.5};
  facts.labelled = {1, 0.5};
  const TaskFactors factors = Balanced(*uncertainty, facts);
  EXPECT_THAT(factors.shared, ElementsAre(DoubleNear(0.125, 1e-6), DoubleNear(4, 1e-6)));
  EXPECT_NEAR(factors.objective, 0.125 * 3 + std::log(4) / 2 + 4 * 0.5 - 0.5 * std::log(4) / 2,
              1e-6);
  EXPECT_LT(testing::GradientError(
                [&](std::span<const float> weights) {
                  Facts moved = facts;
                  moved.own_weights.assign(weights.begin(), weights.end());
                  return Balanced(*uncertainty, moved).objective;
                },
                facts.own_weights, factors.down_weights),
            1e-3);
}

TEST(GradNorm, BringsNormsToTheirTargets) {
  const auto grad_norm = kGradNorm.make(JobWith("grad_norm { alpha: 1 }"));
  Facts facts(2);
  facts.gram = Eigen::MatrixXd{{4, 1}, {1, 36}};
  facts.own_weights = {0, 0};
  // Norms 2 and 6, mean 4: in the first epoch both are to be 4. Weights 1 and 1.
  TaskFactors factors = Balanced(*grad_norm, facts);
  EXPECT_THAT(factors.shared, ElementsAre(1, 1));
  EXPECT_NEAR(factors.objective, 4, 1e-9);
  // dL/dw = (-2, +6); du_t = w_t (dw_t - mean of dw_t w_t) = (-2 - 2, 6 - 2).
  EXPECT_THAT(factors.down_weights, ElementsAre(-4, 4));
  // Later, the second learns a third as fast: rates 1/2 and 3/2, targets 2 and 6.
  facts.epochs = {{2, 4}};
  facts.losses = {0.5, 3};
  factors = Balanced(*grad_norm, facts);
  EXPECT_NEAR(factors.objective, 0, 1e-9);
  // A loss below 0 tells nothing of a rate.
  facts.losses = {-0.5, -3};
  facts.epochs = {{-2, -4}};
  EXPECT_NEAR(Balanced(*grad_norm, facts).objective, 4, 1e-9);
}

/// Norms of 2 and 6, and a third task without a gradient: the first two move as if alone.
TEST(GradNorm, LearnsNothingOfATaskFromASliceWithoutIt) {
  const auto grad_norm = kGradNorm.make(JobOfThreeTasks("grad_norm { alpha: 1 }", 1));
  Facts facts(3);
  facts.gram = Eigen::MatrixXd{{4, 1, 0}, {1, 36, 0}, {0, 0, 0}};
  facts.losses[2] = std::nan("");
  facts.labelled[2] = 0;
  facts.own_weights = {0, 0, 0};
  EXPECT_THAT(Balanced(*grad_norm, facts).down_weights, ElementsAre(-4, 4, 0));
  facts.own_weights = {0, 0, 1};
  const TaskFactors factors = Balanced(*grad_norm, facts);
  EXPECT_EQ(factors.down_weights[0], -factors.down_weights[1]);
  EXPECT_EQ(factors.down_weights[2], 0);
  // With one gradient there is nothing to compare.
  facts.gram(1, 1) = facts.gram(0, 1) = facts.gram(1, 0) = 0;
  EXPECT_THAT(Balanced(*grad_norm, facts).down_weights, ElementsAre(0, 0, 0));
}

/// Learns the own weights, with fixed gradients and objectives, until they stay.
TaskFactors Learned(const Balancer& balancer, Facts facts) {
  for (int step = 0; step < 4000; ++step) {
    const TaskFactors factors = Balanced(balancer, facts);
    const float rate =
        step < 2000 ? 0.02f : 0.0005f;  // GradNorm's absolute values need a small one
    for (size_t i = 0; i < factors.down_weights.size(); ++i)
      facts.own_weights[i] -= rate * factors.down_weights[i];
  }
  return Balanced(balancer, facts);
}

/// What docs/models.md says of a weight: here 3 instead of 1, for the first of two tasks.
TEST(Balancers, LeaveOfAWeightWhatIsSaid) {
  const auto part_of_first = [](const char* method, double weight) {
    const auto balancer = MakeBalancer(JobWith(method));
    Facts facts(2);
    facts.epochs = {{3, 3}, {2, 1}};
    facts.gram = Eigen::MatrixXd{{weight * weight, 0.5 * weight}, {0.5 * weight, 2}};
    facts.objectives = {weight, 1};
    return weight * Learned(*balancer, facts).shared[0];
  };
  const auto kept = [&](const char* method) {
    return part_of_first(method, 3) / part_of_first(method, 1);
  };
  EXPECT_NEAR(kept("dynamic_weight_average {}"), 3, 1e-9);
  EXPECT_NEAR(kept("pc_grad {}"), 3, 1e-9);
  EXPECT_GT(kept("ca_grad {}"), 1);
  EXPECT_LT(kept("ca_grad {}"), 3);
  EXPECT_NEAR(kept("uncertainty {}"), 1, 1e-3);
  // The weights of GradNorm have a sum: what is undone is the proportion of the two.
  const auto proportion = [](double weight) {
    const auto balancer = MakeBalancer(JobWith("grad_norm { alpha: 0 }"));
    Facts facts(2);
    facts.gram = Eigen::MatrixXd{{weight * weight, 0}, {0, 2}};
    const TaskFactors factors = Learned(*balancer, facts);
    return weight * factors.shared[0] / factors.shared[1];
  };
  EXPECT_NEAR(proportion(3), proportion(1), 0.02 * proportion(1));
  EXPECT_LT(kept("mgda {}"), 1);
}

TEST(GradNorm, LearnsDownItsObjective) {
  const auto grad_norm = kGradNorm.make(JobOfThreeTasks("grad_norm { alpha: 0.7 }", 1));
  Facts facts = WithGradients(RandomGradients(3, 5, 3));
  facts.epochs = {{1, 2, 3}};
  facts.losses = {0.9, 1, 2};
  facts.own_weights = {0.3f, -0.5f, 0.1f};
  const TaskFactors here = Balanced(*grad_norm, facts);
  // The targets are constants: those of the point where the derivative is taken.
  const Eigen::ArrayXd norms = facts.gram.diagonal().array().sqrt();
  const Eigen::ArrayXd weights = Eigen::Map<const Eigen::ArrayXd>(here.shared.data(), 3);
  Eigen::ArrayXd rates(3);
  rates << 0.9, 0.5, 2.0 / 3;
  const Eigen::ArrayXd targets = (weights * norms).mean() * (rates / rates.mean()).pow(0.7);
  EXPECT_NEAR(here.objective, (weights * norms - targets).abs().sum(), 1e-9);
  EXPECT_LT(testing::GradientError(
                [&](std::span<const float> own) {
                  Facts moved = facts;
                  moved.own_weights.assign(own.begin(), own.end());
                  const TaskFactors there = Balanced(*grad_norm, moved);
                  const Eigen::ArrayXd w = Eigen::Map<const Eigen::ArrayXd>(there.shared.data(), 3);
                  return (w * norms - targets).abs().sum();
                },
                facts.own_weights, here.down_weights),
            1e-3);
}

class EveryBalancer : public ::testing::TestWithParam<Job> {
 protected:
  EveryBalancer() : balancer_(MakeBalancer(GetParam())) {}
  std::unique_ptr<Balancer> balancer_;
};

TEST_P(EveryBalancer, LeavesEqualTasksEqual) {
  Facts facts(2);
  facts.gram = Eigen::MatrixXd{{2, 2}, {2, 2}};
  facts.epochs = {{3, 3}, {2, 2}};
  const TaskFactors factors = Balanced(*balancer_, facts);
  // Of a squared error, uncertainty takes half.
  const double ratio = GetParam().train().balance().has_uncertainty() ? 0.5 : 1;
  EXPECT_NEAR(factors.shared[0], ratio * factors.shared[1], 1e-6);
  EXPECT_NEAR(factors.own[0], ratio * factors.own[1], 1e-9);
}

TEST_P(EveryBalancer, IsFiniteWhereNothingIsKnown) {
  const double nan = std::nan("");
  for (const double product : {0.0, 1.0}) {
    Facts facts(2);
    facts.gram = Eigen::MatrixXd{{product, 0}, {0, 0}};  // the second has no label
    facts.objectives = {1, 0};
    facts.losses = {1, nan};
    facts.labelled = {1, 0};
    for (const auto& epochs :
         std::vector<std::vector<std::vector<double>>>{{}, {{1, nan}}, {{0, 0}, {0, 0}}}) {
      facts.epochs = epochs;
      const TaskFactors factors = Balanced(*balancer_, facts);
      EXPECT_TRUE(std::isfinite(factors.objective));
      for (size_t t = 0; t < 2; ++t) {
        EXPECT_TRUE(std::isfinite(factors.shared[t]) && std::isfinite(factors.own[t]));
      }
      for (const float derivative : factors.down_weights) EXPECT_TRUE(std::isfinite(derivative));
    }
  }
}

/// A task of weight 0, and one without a label in the slice: the others are balanced as if alone,
/// and nothing is learned of it.
TEST_P(EveryBalancer, LeavesOutATaskThatHasNoGradient) {
  Facts two(2);
  two.gram = Eigen::MatrixXd{{4, -1}, {-1, 9}};
  two.objectives = {2, 0.5};
  two.losses = {1, 2};
  two.epochs = {{2, 3}};
  if (balancer_->n_own_weights() > 0) two.own_weights = {0.5f, -0.25f};
  for (const double weight : {0.0, 1.0}) {
    // An epoch has labels of every task, and a method may go by epochs.
    if (weight == 0) two.epochs.push_back({1, 2});
    Facts three(3);
    three.gram = Eigen::MatrixXd::Zero(3, 3);
    three.gram.topLeftCorner(2, 2) = two.gram;
    three.objectives = {2, 0.5, 0};
    three.losses = {1, 2, weight == 0 ? 1 : std::nan("")};
    three.labelled = {1, 1, weight == 0 ? 1.0 : 0.0};
    three.epochs = two.epochs;
    for (std::vector<double>& epoch : three.epochs) epoch.push_back(7);
    three.own_weights = {two.own_weights[0], two.own_weights[1], 0};
    const Job job = JobOfThreeTasks(GetParam().train().balance().ShortDebugString(), weight);
    const TaskFactors expected = Balanced(*balancer_, two);
    const TaskFactors found = Balanced(*MakeBalancer(job), three);
    // A learned weight of its own keeps its share of the sum.
    const double share = weight == 0 || !GetParam().train().balance().has_grad_norm()
                             ? 1
                             : found.own[0] / expected.own[0];
    for (size_t t = 0; t < 2; ++t) {
      EXPECT_NEAR(found.own[t], share * expected.own[t], 1e-9) << "weight " << weight;
      EXPECT_NEAR(found.shared[t], share * expected.shared[t], 1e-9) << "weight " << weight;
      if (balancer_->n_own_weights() > 0) {
        EXPECT_NEAR(found.down_weights[t], share * expected.down_weights[t], 1e-5);
      }
    }
    if (balancer_->n_own_weights() > 0) {
      EXPECT_EQ(found.down_weights[2], 0) << "weight " << weight;
    }
    EXPECT_GT(found.shared[0] + found.shared[1], 0) << "the step goes on";
    two.epochs.resize(1);
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, EveryBalancer, ::testing::ValuesIn(testing::JobOfEveryBalance()),
                         [](const auto& example) {
                           return "Example" + std::to_string(example.index);
                         });

}  // namespace
}  // namespace zhiyin::worker::model::balance
