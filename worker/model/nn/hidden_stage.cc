#include "worker/model/nn/hidden_stage.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "common/random.h"

namespace zhiyin::worker::model::nn {
namespace {

constexpr Eigen::Index kPerDraw = 4;  // activations per 64-bit random number, 16 bits each
constexpr Eigen::Index kDrawsOfPart = 32;

/// Activation c has bits 16 (c % 4) to 16 (c % 4) + 15 of bits[c / 4].
void DropPart(const uint64_t* bits, uint32_t dropped, float scale, std::span<float> y) {
  uint16_t drawn[kDrawsOfPart * kPerDraw];
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(drawn, bits, sizeof(drawn));
  for (size_t c = 0; c < y.size(); ++c) y[c] *= drawn[c] < dropped ? 0.0f : scale;
}

}  // namespace

HiddenStage::HiddenStage(const Hidden& config, int n_layers, int width, int64_t* n_weights)
    : width_(width), place_(*n_weights) {
  constexpr double kAll = 65536;
  dropped_ = static_cast<uint32_t>(std::lround(config.dropout() * kAll));
  scale_ = static_cast<float>(kAll / (kAll - dropped_));
  if (config.normalization() == Hidden::BATCH) batch_norm_.emplace(n_layers * width, n_weights);
  if (config.normalization() == Hidden::LAYER) {
    for (int l = 0; l < n_layers; ++l) layer_norms_.emplace_back(width, n_weights);
  }
}

void HiddenStage::Init(std::span<float> weights) const {
  if (batch_norm_) batch_norm_->Init(weights);
  for (const LayerNorm& norm : layer_norms_) norm.Init(weights);
}

void HiddenStage::Forward(std::span<const float> weights, const Pass& pass, MutableBlock y) {
  if (batch_norm_) batch_norm_->Forward(weights, pass, y);
  for (size_t l = 0; l < layer_norms_.size(); ++l) {
    auto layer = y.middleCols(static_cast<Eigen::Index>(l) * width_, width_);
    layer_norms_[l].Forward(weights, layer, layer);
  }
  if (batch_norm_ || !layer_norms_.empty()) y = y.cwiseMax(0.0f);
  if (pass.training && dropped_ > 0) Drop(pass.seed, y);
}

Graph::Value HiddenStage::AddTo(Graph* graph, std::span<const float> weights,
                                Graph::Value y) const {
  if (batch_norm_) y = batch_norm_->AddTo(graph, weights, y);
  std::vector<Graph::Value> layers;
  for (size_t l = 0; l < layer_norms_.size(); ++l)
    layers.push_back(layer_norms_[l].AddTo(
        graph, weights, graph->Columns(y, static_cast<int64_t>(l) * width_, width_)));
  if (!layers.empty()) y = graph->Concat(layers);
  return batch_norm_ || !layers.empty() ? graph->Op("Relu", {y}) : y;
}

void HiddenStage::Drop(uint64_t seed, MutableBlock y) const {
  Random random(seed, static_cast<uint64_t>(place_));
  // Random numbers of a part of a row first, then its activations: two loops, each without a
  // branch.
  uint64_t bits[kDrawsOfPart] = {};
  constexpr Eigen::Index kPart = kDrawsOfPart * kPerDraw;
  for (Eigen::Index i = 0; i < y.rows(); ++i) {
    float* const row = y.data() + i * y.outerStride();
    for (Eigen::Index begin = 0; begin < y.cols(); begin += kPart) {
      const Eigen::Index n = std::min(kPart, y.cols() - begin);
      for (Eigen::Index draw = 0; draw * kPerDraw < n; ++draw) bits[draw] = random.Next();
      DropPart(bits, dropped_, scale_, {row + begin, static_cast<size_t>(n)});
    }
  }
}

void HiddenStage::Backward(std::span<const float> weights, const ConstBlock& y, MutableBlock dy,
                           std::span<float> dweights) {
  // A dropped activation is 0, so the ReLU of the layer zeroes its derivative.
  if (!batch_norm_ && layer_norms_.empty()) {
    if (dropped_ > 0) dy *= scale_;
    return;
  }
  dy.array() = (y.array() > 0.0f).select(scale_ * dy.array(), 0.0f);
  if (batch_norm_) batch_norm_->Backward(weights, dy, dweights);
  for (size_t l = 0; l < layer_norms_.size(); ++l)
    layer_norms_[l].Backward(weights, dy.middleCols(static_cast<Eigen::Index>(l) * width_, width_),
                             dweights);
}

}  // namespace zhiyin::worker::model::nn
