#include "worker/saved/frozen_model.h"

#include <algorithm>

#include "common/error.h"
#include "worker/model/input_layout.h"
#include "worker/saved/saved_model.h"

namespace zhiyin::worker::saved {

FrozenModel::FrozenModel(const Manifest& manifest)
    : job_(manifest.job()),
      normalizer_(NormalizerOf(manifest)),
      n_weights_(model::MakeModel(job_)->n_weights()) {
  if (n_weights_ != manifest.n_weights())
    Fail("the model has ", manifest.n_weights(), " weights of its own, expected ", n_weights_,
         " by its job");
  tables_.resize(static_cast<size_t>(job_.table_size()) + 1);
  tables_[kDenseTable].dim = kDenseRowDim;
  for (int t = 0; t < job_.table_size(); ++t)
    tables_[static_cast<size_t>(t) + 1].dim = job_.table(t).dim();
}

void FrozenModel::AddRow(TableId table, Key key, std::span<const float> weights) {
  KeptExamples& rows = tables_[table];
  rows.at.emplace(key, rows.weights.size());
  rows.weights.insert(rows.weights.end(), weights.begin(), weights.end());
}

const float* FrozenModel::Find(TableId table, Key key) const {
  const KeptExamples& rows = tables_[table];
  const auto found = rows.at.find(key);
  return found == rows.at.end() ? nullptr : rows.weights.data() + found->second;
}

model::DenseWeights FrozenModel::OwnWeights() const {
  model::DenseWeights dense(n_weights_);
  const KeptExamples& rows = tables_[kDenseTable];
  for (const auto& [key, at] : rows.at) {
    if (key < dense.keys().size())
      std::copy_n(rows.weights.data() + at, kDenseRowDim,
                  dense.weight_rows().data() + key * kDenseRowDim);
  }
  return dense;
}

FrozenModel::Session::Session(const FrozenModel& model)
    : model_(model),
      network_(model::MakeModel(model.job_)),
      heads_(model.job_),
      input_(model.job_, model::InputLayout::Of(model.job_)),
      dense_(model.OwnWeights()) {}

void FrozenModel::Session::Run(const data::Examples& rows) {
  normalized_ = rows;
  model_.normalizer_.Apply(normalized_.numerics);
  input_.Prepare(normalized_);
  for (int t = 0; t < input_.n_tables(); ++t) {
    const TableId table = static_cast<TableId>(t + 1);
    const size_t dim = static_cast<size_t>(model_.tables_[table].dim);
    float* to = input_.weights(t);
    for (const Key key : input_.keys(t)) {
      const float* const row = model_.Find(table, key);
      if (row == nullptr) {
        std::fill_n(to, dim, 0.0f);
      } else {
        std::copy_n(row, dim, to);
      }
      to += dim;
    }
  }
  input_.Pool(&x_);
  network_->Forward(dense_.weights(), ConstMatrixView(x_.data(), x_.rows(), x_.cols()),
                    model::nn::Pass(), &outputs_);
  predictions_.resize(static_cast<size_t>(outputs_.size()));
  heads_.Predictions(outputs_, predictions_);
}

std::vector<model::TaskSums> FrozenModel::Session::Sums(const data::Examples& rows) {
  std::vector<model::TaskSums> sums(static_cast<size_t>(heads_.n_tasks()));
  heads_.TakeTargets(rows, &targets_);
  heads_.LeaveOutUndefined(predictions_, &targets_);
  heads_.Sums(outputs_, predictions_, targets_, sums);
  return sums;
}

}  // namespace zhiyin::worker::saved
