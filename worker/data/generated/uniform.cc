// Categories and labels drawn uniformly, as job.proto says.
#include <string>

#include "common/random.h"
#include "worker/data/generated/world.h"

namespace zhiyin::worker::data {
namespace {

class Uniform final : public World {
 public:
  explicit Uniform(const GeneratedUniform& config)
      : World(static_cast<size_t>(config.n_columns() + config.n_labels())),
        seed_(config.seed()),
        n_columns_(static_cast<size_t>(config.n_columns())),
        n_labels_(static_cast<size_t>(config.n_labels())),
        n_categories_(static_cast<uint64_t>(config.n_categories())) {}

 private:
  void Make(int64_t i) override {
    Random random(seed_, static_cast<uint64_t>(i));
    for (size_t c = 0; c < n_columns_; ++c) cell(c) = std::to_string(random.Below(n_categories_));
    for (size_t l = 0; l < n_labels_; ++l) cell(n_columns_ + l) = std::to_string(random.Below(2));
  }

  uint64_t seed_;
  size_t n_columns_;
  size_t n_labels_;
  uint64_t n_categories_;
};

}  // namespace

std::unique_ptr<World> MakeUniform(const GeneratedUniform& config) {
  return std::make_unique<Uniform>(config);
}

}  // namespace zhiyin::worker::data
