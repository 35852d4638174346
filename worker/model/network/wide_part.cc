#include "worker/model/network/wide_part.h"

#include <algorithm>

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
  if (config.has_fm()) fm_ = MakeFactorizationMachine(config.fm(), features);
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

}  // namespace zhiyin::worker::model
