#include "worker/model/model.h"

#include <glog/logging.h>

#include <algorithm>

namespace zhiyin::worker {

InputLayout InputLayout::Of(const Job& job) {
  InputLayout layout;
  for (const Field& field : job.field()) {
    const auto table = std::find_if(job.table().begin(), job.table().end(),
                                    [&](const Table& t) { return t.name() == field.table(); });
    CHECK(table != job.table().end()) << field.table();
    layout.fields.push_back({layout.dim, table->dim()});
    layout.dim += table->dim();
  }
  for (int i = 0; i < job.numeric_size(); ++i) layout.numerics.push_back({layout.dim++, 1});
  return layout;
}

std::unique_ptr<Model> MakeModel(const Job& job) {
  const int input_dim = InputLayout::Of(job).dim;
  const int n_tasks = job.task_size();
  const zhiyin::Model& config = job.model();
  switch (config.kind_case()) {
    case zhiyin::Model::kSharedBottom:
      return MakeSharedBottom(config.shared_bottom(), input_dim, n_tasks);
    case zhiyin::Model::kMmoe:
      return MakeMmoe(config.mmoe(), input_dim, n_tasks);
    case zhiyin::Model::kLinear:
      return MakeLinear(job);
    case zhiyin::Model::KIND_NOT_SET:
      break;
  }
  LOG(FATAL) << "a model without a kind passed validation";
}

}  // namespace zhiyin::worker
