#include "worker/recommend/frozen_model.h"

#include <algorithm>

#include "common/error.h"
#include "worker/input_layout.h"
#include "worker/saved_model.h"

namespace zhiyin::worker {

FrozenModel::FrozenModel(const Manifest& manifest)
    : job_(manifest.job()), normalizer_(NormalizerOf(manifest)), n_weights_(MakeModel(job_)->n_weights()) {
  if (n_weights_ != manifest.n_weights())
    Fail("the model has ", manifest.n_weights(), " weights of its own, expected ", n_weights_, " by its job");
  tables_.resize(static_cast<size_t>(job_.table_size()) + 1);
  tables_[kDenseTable].dim = kDenseRowDim;
  for (int t = 0; t < job_.table_size(); ++t) tables_[static_cast<size_t>(t) + 1].dim = job_.table(t).dim();
}

void FrozenModel::AddRow(TableId table, Key key, std::span<const float> weights) {
  KeptRows& rows = tables_[table];
  rows.at.emplace(key, rows.weights.size());
  rows.weights.insert(rows.weights.end(), weights.begin(), weights.end());
}

FrozenModel::Session::Session(const FrozenModel& model)
    : model_(model),
      network_(MakeModel(model.job_)),
      heads_(model.job_),
      input_(model.job_, InputLayout::Of(model.job_)),
      dense_(model.n_weights_) {
  const KeptRows& rows = model.tables_[kDenseTable];
  for (const auto& [key, at] : rows.at) {
    if (key < dense_.keys().size())
      std::copy_n(rows.weights.data() + at, kDenseRowDim, dense_.weight_rows().data() + key * kDenseRowDim);
  }
}

void FrozenModel::Session::Run(const Rows& rows) {
  normalized_ = rows;
  model_.normalizer_.Apply(normalized_.numerics);
  input_.Prepare(normalized_);
  for (int t = 0; t < input_.n_tables(); ++t) {
    const KeptRows& kept = model_.tables_[static_cast<size_t>(t) + 1];
    const size_t dim = static_cast<size_t>(kept.dim);
    float* to = input_.weights(t);
    for (const Key key : input_.keys(t)) {
      const auto found = kept.at.find(key);
      if (found == kept.at.end()) {
        std::fill_n(to, dim, 0.0f);
      } else {
        std::copy_n(kept.weights.data() + found->second, dim, to);
      }
      to += dim;
    }
  }
  input_.Pool(&x_);
  network_->Forward(dense_.weights(), ConstMatrixView(x_.data(), x_.rows(), x_.cols()), Pass(), &outputs_);
  predictions_.resize(static_cast<size_t>(outputs_.size()));
  heads_.Predictions(outputs_, predictions_);
}

}  // namespace zhiyin::worker
