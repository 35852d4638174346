#include "worker/model/feature_stack.h"

#include <glog/logging.h>

#include <algorithm>
#include <map>

namespace zhiyin::worker {

FeatureStack::FeatureStack(const Job& job, int64_t* n_weights) {
  const InputLayout layout = InputLayout::Of(job);
  const auto& readers = job.model().sequence();
  const auto& wide = job.model().wide().field();
  for (const InputLayout::Part& part : layout.fields) {
    if (std::find(wide.begin(), wide.end(), part.name) != wide.end()) continue;
    InputLayout::Part feature = {part.name, features_layout_.dim, part.dim, 0};
    if (part.is_sequence()) {
      const auto config = std::find_if(readers.begin(), readers.end(),
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
  for (const Interaction& config : job.model().interaction())
    interactions_.push_back(MakeInteraction(config, features_layout_, n_weights));
  if (interactions_.empty()) interactions_.push_back(MakeInputs(features_layout_));
  for (const auto& interaction : interactions_) out_ += interaction->out();
}

void FeatureStack::Init(Random* random, std::span<float> weights) const {
  for (const Read& read : sequences_) read.reader->Init(random, weights);
  for (const auto& interaction : interactions_) interaction->Init(random, weights);
}

void FeatureStack::Forward(std::span<const float> weights, const ConstMatrixView& x, const Pass& pass) {
  features_.resize(x.rows(), features_layout_.dim);
  for (const Copied& part : copied_) features_.middleCols(part.to, part.width) = x.middleCols(part.from, part.width);
  for (const Read& read : sequences_)
    read.reader->Forward(weights, x, pass, features_.middleCols(read.to, read.reader->out()));
  output_.resize(x.rows(), out_);
  doutput_.resize(x.rows(), out_);
  int at = 0;
  for (const auto& interaction : interactions_) {
    interaction->Forward(weights, features_, pass, output_.middleCols(at, interaction->out()));
    at += interaction->out();
  }
}

FeatureStack::Values FeatureStack::AddTo(Graph* graph, std::span<const float> weights, const Graph::Value& x) const {
  std::map<int, Graph::Value> parts;  // by where they are in the features
  for (const Copied& part : copied_) parts[part.to] = graph->Columns(x, part.from, part.width);
  for (const Read& read : sequences_) parts[read.to] = read.reader->AddTo(graph, weights, x);
  std::vector<Graph::Value> in_order;
  for (const auto& [to, part] : parts) in_order.push_back(part);
  Values values;
  values.features = graph->Concat(in_order);
  std::vector<Graph::Value> columns;
  for (const auto& interaction : interactions_) columns.push_back(interaction->AddTo(graph, weights, values.features));
  values.output = graph->Concat(columns);
  return values;
}

void FeatureStack::BackwardToFeatures(std::span<const float> weights, std::span<float> dweights) {
  dfeatures_.setZero(features_.rows(), features_layout_.dim);
  int at = 0;
  for (const auto& interaction : interactions_) {
    const int width = interaction->out();
    interaction->Backward(weights, features_, output_.middleCols(at, width), doutput_.middleCols(at, width), dweights,
                          dfeatures_);
    at += width;
  }
}

void FeatureStack::BackwardToInputs(std::span<const float> weights, const ConstMatrixView& x,
                                    std::span<float> dweights, Matrix* dx) {
  dx->setZero(x.rows(), x.cols());
  for (const Copied& part : copied_) dx->middleCols(part.from, part.width) = dfeatures_.middleCols(part.to, part.width);
  for (const Read& read : sequences_) {
    const int width = read.reader->out();
    read.reader->Backward(weights, x, features_.middleCols(read.to, width), dfeatures_.middleCols(read.to, width),
                          dweights, *dx);
  }
}

}  // namespace zhiyin::worker
