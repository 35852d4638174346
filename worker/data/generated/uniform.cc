// Categories and labels drawn uniformly; the parameters are in job.proto.
#include <string>

#include "common/random.h"
#include "worker/data/generated/worlds.h"

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

const WorldKind kUniform = {
    .name = "generated_uniform",
    .make = [](const Data& data) -> std::unique_ptr<World> {
      return std::make_unique<Uniform>(data.generated_uniform());
    },
    .columns =
        [](const Data& data) {
          std::vector<TableColumn> columns;
          AddNumbered({"category_"}, 0, data.generated_uniform().n_columns(), &columns);
          AddNumbered({"label_", ColumnKind::kInteger, true}, 0,
                      data.generated_uniform().n_labels(), &columns);
          return columns;
        },
    .check =
        [](const config::Checker& check, const config::ConfigPath& path, const Data& data) {
          const GeneratedUniform& uniform = data.generated_uniform();
          check.CheckRange(path("n_columns"), uniform.n_columns(), 1, kMaxInputs);
          check.CheckRange(path("n_categories"), uniform.n_categories(), int64_t{1},
                           int64_t{1} << 60);
          check.CheckRange(path("n_labels"), uniform.n_labels(), 1, kMaxTasks);
        },
};

}  // namespace zhiyin::worker::data
