// The synthetic regressions of Ma et al., KDD 2018, section 3.3; the parameters are in job.proto.
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "common/random.h"
#include "worker/data/generated/worlds.h"

namespace zhiyin::worker::data {
namespace {

class RelatedTasks final : public World {
 public:
  explicit RelatedTasks(const GeneratedRelatedTasks& config)
      : World(static_cast<size_t>(config.n_features()) + 2),
        seed_(config.seed()),
        noise_(config.noise()),
        weights_{std::vector<double>(static_cast<size_t>(config.n_features())), {}},
        sines_(static_cast<size_t>(config.n_sines())) {
    Random random(seed_, 0, 0);  // a stream that no row has
    std::vector<double>& u = weights_[0];
    std::vector<double> v(u.size());
    for (double& value : u) value = random.Normal();
    Normalise(&u);
    for (double& value : v) value = random.Normal();
    double along_u = 0;
    for (size_t d = 0; d < u.size(); ++d) along_u += u[d] * v[d];
    for (size_t d = 0; d < u.size(); ++d) v[d] -= along_u * u[d];
    Normalise(&v);
    const double p = config.correlation();
    weights_[1].resize(u.size());
    for (size_t d = 0; d < u.size(); ++d) {
      weights_[1][d] = config.scale() * (p * u[d] + std::sqrt(1 - p * p) * v[d]);
      u[d] *= config.scale();
    }
    for (size_t i = 0; i < sines_.size(); ++i)
      sines_[i] = {static_cast<double>(i + 1), 2 * std::numbers::pi * random.Uniform()};
  }

 private:
  struct Sine {
    double frequency;
    double phase;
  };

  static void Normalise(std::vector<double>* vector) {
    double squares = 0;
    for (const double value : *vector) squares += value * value;
    for (double& value : *vector) value /= std::sqrt(squares);
  }

  void Make(int64_t i) override {
    Random random(seed_, static_cast<uint64_t>(i));
    std::array<double, 2> linear = {};
    const size_t n_features = weights_[0].size();
    for (size_t d = 0; d < n_features; ++d) {
      const double x = SetNumber(d, random.Normal());
      for (size_t t = 0; t < 2; ++t) linear[t] += weights_[t][d] * x;
    }
    for (size_t t = 0; t < 2; ++t) {
      double y = linear[t];
      for (const Sine& sine : sines_) y += std::sin(sine.frequency * linear[t] + sine.phase);
      SetNumber(n_features + t, y + noise_ * random.Normal());
    }
  }

  uint64_t seed_;
  double noise_;
  std::array<std::vector<double>, 2> weights_;  // of each task
  std::vector<Sine> sines_;
};

}  // namespace

const WorldKind kRelatedTasks = {
    .name = "generated_related_tasks",
    .make = [](const Data& data) -> std::unique_ptr<World> {
      return std::make_unique<RelatedTasks>(data.generated_related_tasks());
    },
    .columns =
        [](const Data& data) {
          std::vector<TableColumn> columns;
          AddNumbered({"x_", ColumnKind::kNumber}, 0, data.generated_related_tasks().n_features(),
                      &columns);
          AddNumbered({"y_", ColumnKind::kNumber, true}, 0, 2, &columns);
          return columns;
        },
    .fill_defaults =
        [](Data* data) {
          GeneratedRelatedTasks* tasks = data->mutable_generated_related_tasks();
          if (!tasks->has_n_features()) tasks->set_n_features(20);
          if (!tasks->has_scale()) tasks->set_scale(1);
          if (!tasks->has_n_sines()) tasks->set_n_sines(4);
          if (!tasks->has_noise()) tasks->set_noise(0.1);
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path, const Data& data) {
          const GeneratedRelatedTasks& tasks = data.generated_related_tasks();
          check.CheckRange(path("n_features"), tasks.n_features(), 2, kMaxInputs);
          check.CheckRange(path("correlation"), tasks.correlation(), -1.0, 1.0);
          check.CheckPositive(path("scale"), tasks.scale());
          check.CheckRange(path("n_sines"), tasks.n_sines(), 0, 1000);
          check.CheckNotNegative(path("noise"), tasks.noise());
        },
};

}  // namespace zhiyin::worker::data
