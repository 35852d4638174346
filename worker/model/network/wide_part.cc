#include "worker/model/network/wide_part.h"

#include <algorithm>
#include <set>
#include <string>

#include "worker/model/interaction/interaction.h"
#include "worker/model/nn/init.h"

namespace zhiyin::worker::model {

WidePart::WidePart(const Job& job, const InputLayout& features, int64_t* n_weights)
    : n_tasks_(job.task_size()), weights_(*n_weights) {
  const InputLayout layout = InputLayout::Of(job);
  const Wide& config = job.model().wide();
  for (const std::string& name : config.field()) fields_.push_back(layout.FieldNamed(name).begin);
  for (const InputLayout::Part& part : layout.numerics) {
    if (std::find(config.numeric().begin(), config.numeric().end(), part.name) !=
        config.numeric().end())
      numerics_.push_back(part.begin);
  }
  *n_weights += static_cast<int64_t>(numerics_.size()) * n_tasks_;
  if (!config.has_fm()) return;
  Interaction fm;
  *fm.mutable_fm() = config.fm();
  fm_ = MakeInteraction(fm, features, n_weights);  // it has no weights
}

void WidePart::Init(std::span<float> weights) const {
  nn::InitConstant(0, weights_, static_cast<int64_t>(numerics_.size()) * n_tasks_, weights);
}

void WidePart::Forward(std::span<const float> weights, const ConstMatrixView& x,
                       const Matrix& features, const nn::Pass& pass, Matrix* outputs) {
  for (const int field : fields_) *outputs += x.middleCols(field, n_tasks_);
  for (size_t j = 0; j < numerics_.size(); ++j)
    outputs->noalias() += x.col(numerics_[j]) * W(weights, j);
  if (fm_ == nullptr) return;
  fm_output_.resize(x.rows(), fm_->out());
  dfm_output_.resize(x.rows(), fm_->out());
  fm_->Forward({}, features, pass, fm_output_);
  outputs->colwise() += fm_output_.rowwise().sum();
}

std::vector<nn::Graph::Value> WidePart::AddTo(nn::Graph* graph, std::span<const float> weights,
                                              const nn::Graph::Value& x,
                                              const nn::Graph::Value& features,
                                              std::vector<nn::Graph::Value> outputs) const {
  for (int t = 0; t < n_tasks_; ++t) {
    std::vector<nn::Graph::Value> parts = {outputs[static_cast<size_t>(t)]};
    for (const int field : fields_) parts.push_back(graph->Columns(x, field + t, 1));
    for (size_t j = 0; j < numerics_.size(); ++j)
      parts.push_back(
          graph->Op("Mul", {graph->Columns(x, numerics_[j], 1), graph->Scalar(W(weights, j)[t])}));
    if (fm_ != nullptr) parts.push_back(graph->RowSums(fm_->AddTo(graph, {}, features)));
    outputs[static_cast<size_t>(t)] = graph->Sum(parts);
  }
  return outputs;
}

void WidePart::BackwardToFeatures(const Matrix& features, const Matrix& doutputs,
                                  Matrix& dfeatures) {
  if (fm_ == nullptr) return;
  dfm_output_.colwise() = doutputs.rowwise().sum();
  fm_->Backward({}, features, fm_output_, dfm_output_, {}, dfeatures);
}

void WidePart::BackwardToInputs(std::span<const float> weights, const ConstMatrixView& x,
                                const Matrix& doutputs, std::span<float> dweights,
                                Matrix* dx) const {
  for (const int field : fields_) dx->middleCols(field, n_tasks_) += doutputs;
  for (size_t j = 0; j < numerics_.size(); ++j) {
    dx->col(numerics_[j]).noalias() += doutputs * W(weights, j).transpose();
    VectorView(dweights.data() + weights_ + static_cast<int64_t>(j) * n_tasks_, n_tasks_)
        .noalias() += x.col(numerics_[j]).transpose() * doutputs;
  }
}

void CheckWide(const ModelChecker& check) {
  const Job& job = check.job();
  const Wide& wide = job.model().wide();
  const config::ConfigPath path = check.model_path()("wide");
  if (wide.field_size() + wide.numeric_size() == 0 && !wide.has_fm())
    check.Fail(path, "reads nothing, expected field, numeric or fm");
  std::set<std::string> taken;
  for (int i = 0; i < wide.field_size(); ++i) {
    const config::ConfigPath at = path("field", i);
    const Field& field = check.FieldNamed(at, wide.field(i));
    if (!taken.insert(wide.field(i)).second)
      check.Fail(at, "\"", wide.field(i), "\" is named by an earlier one");
    if (field.sequence_length() > 0) {
      check.Fail(at, "field \"", wide.field(i), "\" is a sequence, expected one that is pooled");
    }
    if (check.DimOf(field) != job.task_size()) {
      check.Fail(at, "table \"", field.table(), "\" of field \"", wide.field(i), "\" has dim ",
                 check.DimOf(field), ", expected ", job.task_size(), ": one weight a task");
    }
  }
  for (int i = 0; i < wide.numeric_size(); ++i) {
    check.NumericNamed(path("numeric", i), wide.numeric(i));
    if (!taken.insert(wide.numeric(i)).second)
      check.Fail(path("numeric", i), "\"", wide.numeric(i), "\" is named by an earlier one");
  }
  if (wide.has_fm()) check.CheckSameDim(path("fm"), wide.fm().field());
  if (check.n_columns() == 0) {
    check.Fail(path("field"), "takes every input of the job, expected some that the network reads");
  }
}

}  // namespace zhiyin::worker::model
