#include "worker/model/network/feature_stack.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "worker/model/nn/init.h"

namespace zhiyin::worker::model {

FeatureStack::FeatureStack(const Job& job, int64_t* n_weights) {
  const InputLayout layout = InputLayout::Of(job);
  const auto& readers = job.model().sequence();
  const auto& wide = job.model().wide().field();
  for (const InputLayout::Part& part : layout.fields) {
    if (std::find(wide.begin(), wide.end(), part.name) != wide.end()) continue;
    InputLayout::Part feature = {part.name, features_layout_.dim, part.dim, 0};
    if (part.is_sequence()) {
      const auto config =
          std::find_if(readers.begin(), readers.end(),
                       [&](const SequenceReader& r) { return r.field() == part.name; });
      CHECK(config != readers.end()) << part.name;
      Read& read = sequences_.emplace_back();
      read.reader = MakeSequenceReader(*config, layout, n_weights);
      read.to = feature.begin;
      feature.dim = read.reader->out();
    } else {
      copied_.push_back({part.begin, feature.begin, part.dim});
    }
    features_layout_.fields.push_back(feature);
    features_layout_.dim += feature.dim;
  }
  for (const InputLayout::Part& part : layout.numerics) {
    copied_.push_back({part.begin, features_layout_.dim, 1});
    features_layout_.numerics.push_back({part.name, features_layout_.dim++, 1, 0});
  }
  has_gates_ = job.model().has_gates();
  l1_ = job.model().gates().l1();
  gates_ = *n_weights;
  if (has_gates_) *n_weights += static_cast<int64_t>(GatedParts().size());
  for (const Interaction& config : job.model().interaction())
    interactions_.push_back(MakeInteraction(config, features_layout_, n_weights));
  if (interactions_.empty()) {
    Interaction inputs;
    inputs.mutable_inputs();
    interactions_.push_back(MakeInteraction(inputs, features_layout_, n_weights));
  }
  for (const auto& interaction : interactions_) out_ += interaction->out();
}

void FeatureStack::Init(Random* random, std::span<float> weights) const {
  for (const Read& read : sequences_) read.reader->Init(random, weights);
  if (has_gates_) nn::InitConstant(1, gates_, static_cast<int64_t>(GatedParts().size()), weights);
  for (const auto& interaction : interactions_) interaction->Init(random, weights);
}

void FeatureStack::Forward(std::span<const float> weights, const ConstMatrixView& x,
                           const nn::Pass& pass) {
  penalty_factor_ = 0;
  features_.resize(x.rows(), features_layout_.dim);
  for (const Copied& part : copied_)
    features_.middleCols(part.to, part.width) = x.middleCols(part.from, part.width);
  for (const Read& read : sequences_)
    read.reader->Forward(weights, x, pass, features_.middleCols(read.to, read.reader->out()));
  if (has_gates_) {
    ungated_ = features_;
    int64_t gate = gates_;
    penalty_ = 0;
    for (const InputLayout::Part& part : GatedParts()) {
      const float value = weights[static_cast<size_t>(gate++)];
      features_.middleCols(part.begin, part.dim) *= value;
      penalty_ += l1_ * std::abs(value);
    }
  }
  output_.resize(x.rows(), out_);
  doutput_.resize(x.rows(), out_);
  int at = 0;
  for (const auto& interaction : interactions_) {
    interaction->Forward(weights, features_, pass, output_.middleCols(at, interaction->out()));
    at += interaction->out();
  }
}

FeatureStack::Values FeatureStack::AddTo(nn::Graph* graph, std::span<const float> weights,
                                         const nn::Graph::Value& x) const {
  std::map<int, nn::Graph::Value> parts;  // by where they are in the features
  for (const Copied& part : copied_) parts[part.to] = graph->Columns(x, part.from, part.width);
  for (const Read& read : sequences_) parts[read.to] = read.reader->AddTo(graph, weights, x);
  std::vector<nn::Graph::Value> in_order;
  for (const auto& [to, part] : parts) in_order.push_back(part);
  Values values;
  values.features = graph->Concat(in_order);
  if (has_gates_) {
    std::vector<float> columns;
    int64_t gate = gates_;
    for (const InputLayout::Part& part : GatedParts())
      columns.insert(columns.end(), static_cast<size_t>(part.dim),
                     weights[static_cast<size_t>(gate++)]);
    values.features =
        graph->Op("Mul", {values.features, graph->Floats({features_layout_.dim}, columns)});
  }
  std::vector<nn::Graph::Value> columns;
  for (const auto& interaction : interactions_)
    columns.push_back(interaction->AddTo(graph, weights, values.features));
  values.output = graph->Concat(columns);
  return values;
}

std::vector<InputLayout::Part> FeatureStack::GatedParts() const {
  std::vector<InputLayout::Part> parts = features_layout_.fields;
  parts.insert(parts.end(), features_layout_.numerics.begin(), features_layout_.numerics.end());
  return parts;
}

std::vector<std::pair<std::string, float>> FeatureStack::Gates(
    std::span<const float> weights) const {
  std::vector<std::pair<std::string, float>> gates;
  if (!has_gates_) return gates;
  int64_t gate = gates_;
  for (const InputLayout::Part& part : GatedParts())
    gates.emplace_back(part.name, weights[static_cast<size_t>(gate++)]);
  return gates;
}

void FeatureStack::BackwardToFeatures(std::span<const float> weights, std::span<float> dweights) {
  dfeatures_.setZero(features_.rows(), features_layout_.dim);
  int at = 0;
  for (const auto& interaction : interactions_) {
    const int width = interaction->out();
    interaction->Backward(weights, features_, output_.middleCols(at, width),
                          doutput_.middleCols(at, width), dweights, dfeatures_);
    at += width;
  }
}

void FeatureStack::BackwardToInputs(std::span<const float> weights, const ConstMatrixView& x,
                                    std::span<float> dweights, Matrix* dx) {
  dx->setZero(x.rows(), x.cols());
  if (has_gates_) {
    int64_t gate = gates_;
    for (const InputLayout::Part& part : GatedParts()) {
      const float value = weights[static_cast<size_t>(gate)];
      auto columns = dfeatures_.middleCols(part.begin, part.dim);
      dweights[static_cast<size_t>(gate)] +=
          columns.cwiseProduct(ungated_.middleCols(part.begin, part.dim)).sum() +
          penalty_factor_ * static_cast<float>(l1_) * static_cast<float>((value > 0) - (value < 0));
      columns *= value;
      ++gate;
    }
  }
  for (const Copied& part : copied_)
    dx->middleCols(part.from, part.width) = dfeatures_.middleCols(part.to, part.width);
  for (const Read& read : sequences_) {
    const int width = read.reader->out();
    read.reader->Backward(weights, x,
                          (has_gates_ ? ungated_ : features_).middleCols(read.to, width),
                          dfeatures_.middleCols(read.to, width), dweights, *dx);
  }
}

}  // namespace zhiyin::worker::model
