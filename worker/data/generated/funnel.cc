// A funnel with known probabilities; the parameters are in job.proto.
//
// A user has a taste, an item a character, both N(0, 1) in three dimensions, the user an openness
// and the item an appeal, both N(0, 1). With
//   z = 0.9 openness + 0.9 appeal + 0.5 taste . character / sqrt(3)
// step 1 has the logit -3 + 1.5 z, and step k > 1, where the one before was reached, -1.5 + z + the
// item's own part in that step, N(0, 1/4): what is clicked has a high z, and so is bought more
// often than what is shown would be.
#include <array>
#include <cmath>

#include "common/random.h"
#include "worker/data/generated/worlds.h"

namespace zhiyin::worker::data {
namespace {

constexpr size_t kDims = 3;
// Streams that no row has.
constexpr uint64_t kUsers = 1;
constexpr uint64_t kItems = 2;

class Funnel final : public World {
 public:
  explicit Funnel(const GeneratedFunnel& config)
      : World(static_cast<size_t>(2 + 3 * config.n_steps() - 1)), config_(config) {}

 private:
  void Make(int64_t i) override {
    Random random(config_.seed(), static_cast<uint64_t>(i));
    const uint64_t user = random.Below(static_cast<uint64_t>(config_.n_users()));
    const uint64_t item = random.Below(static_cast<uint64_t>(config_.n_items()));
    cell(0).assign("u").append(std::to_string(user));
    cell(1).assign("i").append(std::to_string(item));

    Random of_user(config_.seed(), user, kUsers);
    Random of_item(config_.seed(), item, kItems);
    double z = 0;
    for (size_t d = 0; d < kDims; ++d) z += of_user.Normal() * of_item.Normal();
    z = 0.5 * z / std::sqrt(static_cast<double>(kDims)) + 0.9 * of_user.Normal() +
        0.9 * of_item.Normal();

    const size_t n_steps = static_cast<size_t>(config_.n_steps());
    const size_t after = 2 + n_steps - 2;  // of step k: after + k
    const size_t truth = after + n_steps;  // of step k: after + k
    const bool is_logged = i < config_.n_logged();
    bool reached = true;
    for (size_t k = 1; k <= n_steps; ++k) {
      const double logit = k == 1 ? -3 + 1.5 * z : -1.5 + z + 0.5 * of_item.Normal();
      const double p = 1 / (1 + std::exp(-logit));
      const bool could = reached;
      reached = random.Uniform() < p && could;
      cell(1 + k) = reached ? "1" : "0";
      if (k > 1 && is_logged) cell(after + k) = !could ? "" : cell(1 + k);
      if (k > 1 && !is_logged) SetNumber(after + k, p);
      SetNumber(truth + k, p);
    }
  }

  GeneratedFunnel config_;
};

}  // namespace

const WorldKind kFunnel = {
    .name = "generated_funnel",
    .make = [](const Data& data) -> std::unique_ptr<World> {
      return std::make_unique<Funnel>(data.generated_funnel());
    },
    .columns =
        [](const Data& data) {
          const int n_steps = data.generated_funnel().n_steps();
          std::vector<TableColumn> columns = {{"user"}, {"item"}};
          AddNumbered({"step_", ColumnKind::kInteger, true}, 1, n_steps, &columns);
          AddNumbered({"after_", ColumnKind::kNumber, true}, 2, n_steps - 1, &columns);
          AddNumbered({"p_", ColumnKind::kNumber}, 1, n_steps, &columns);
          return columns;
        },
    .fill_defaults =
        [](Data* data) {
          GeneratedFunnel* funnel = data->mutable_generated_funnel();
          if (!funnel->has_n_steps()) funnel->set_n_steps(2);
          if (!funnel->has_n_users()) funnel->set_n_users(2000);
          if (!funnel->has_n_items()) funnel->set_n_items(2000);
          if (!funnel->has_n_logged()) funnel->set_n_logged(funnel->n_rows());
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path, const Data& data) {
          const GeneratedFunnel& funnel = data.generated_funnel();
          check.CheckRange(path("n_steps"), funnel.n_steps(), 2, 8);
          check.CheckRange(path("n_users"), funnel.n_users(), 1, 1 << 30);
          check.CheckRange(path("n_items"), funnel.n_items(), 1, 1 << 30);
          check.CheckRange(path("n_logged"), funnel.n_logged(), int64_t{0}, funnel.n_rows());
        },
};

}  // namespace zhiyin::worker::data
