#include "worker/model/nn/attention.h"

#include "worker/model/nn/init.h"
#include "worker/model/nn/softmax.h"

namespace zhiyin::worker::model::nn {

SelfAttention::SelfAttention(int in, int n_heads, int width, float scale, int out,
                             int64_t* n_weights)
    : n_heads_(n_heads),
      width_(width),
      scale_(scale),
      projection_(in, 3 * n_heads * width, n_weights),
      output_(n_heads * width, out, n_weights) {}

void SelfAttention::Init(Random* random, std::span<float> weights) const {
  InitUniform(GlorotRange(projection_.in(), wide()), projection_.begin(),
              int64_t{3} * projection_.in() * wide(), random, weights);
  InitUniform(GlorotRange(wide(), output_.out()), output_.begin(), int64_t{wide()} * output_.out(),
              random, weights);
}

void SelfAttention::Forward(std::span<const float> weights, std::span<const int32_t> begin,
                            const ConstBlock& x, MutableBlock y) {
  qkv_.resize(x.rows(), 3 * wide());
  projection_.Forward(weights, x, qkv_.view());
  if (!HasOutput()) {
    Attend(begin, y);
    return;
  }
  heads_.resize(x.rows(), wide());
  Attend(begin, heads_.view());
  output_.Forward(weights, heads_.view(), y);
}

void SelfAttention::Backward(std::span<const float> weights, std::span<const int32_t> begin,
                             const ConstBlock& x, const ConstBlock& dy, std::span<float> dweights,
                             MutableBlock dx) {
  dqkv_.resize(x.rows(), 3 * wide());
  if (!HasOutput()) {
    AttendBackward(begin, dy);
  } else {
    dheads_.resize(x.rows(), wide());
    output_.BackwardWeights(heads_.view(), dy, dweights);
    output_.BackwardInput(weights, dy, dheads_.view());
    AttendBackward(begin, dheads_.view());
  }
  projection_.BackwardWeights(x, dqkv_.view(), dweights);
  projection_.BackwardInputAdd(weights, dqkv_.view(), dx);
}

void SelfAttention::Probabilities(int first, int l, int head) {
  const MatrixView qkv = qkv_.view();
  p_.resize(l, l);
  p_.view().noalias() = qkv.block(first, Column(0, head), l, width_) *
                        qkv.block(first, Column(1, head), l, width_).transpose();
  p_.view() *= scale_;
  Softmax(p_.view());
}

void SelfAttention::Attend(std::span<const int32_t> begin, MutableBlock heads) {
  const MatrixView qkv = qkv_.view();
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    const int l = begin[i + 1] - begin[i];
    if (l == 0) continue;
    for (int h = 0; h < n_heads_; ++h) {
      Probabilities(begin[i], l, h);
      heads.block(begin[i], h * width_, l, width_).noalias() =
          p_.view() * qkv.block(begin[i], Column(2, h), l, width_);
    }
  }
}

/// dV = P^T dhead;  dP = dhead V^T;  dS = SoftmaxBackward(P, dP);  dQ = scale dS K;  dK = scale
/// dS^T Q
void SelfAttention::AttendBackward(std::span<const int32_t> begin, const ConstBlock& dheads) {
  const MatrixView qkv = qkv_.view();
  MatrixView dqkv = dqkv_.view();
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    const int l = begin[i + 1] - begin[i];
    if (l == 0) continue;
    for (int h = 0; h < n_heads_; ++h) {
      Probabilities(begin[i], l, h);
      const auto part = [&](MatrixView& of, int which) {
        return of.block(begin[i], Column(which, h), l, width_);
      };
      const auto of_qkv = [&](int which) {
        return qkv.block(begin[i], Column(which, h), l, width_);
      };
      const auto dhead = dheads.block(begin[i], h * width_, l, width_);
      part(dqkv, 2).noalias() = p_.view().transpose() * dhead;
      dp_.resize(l, l);
      dp_.view().noalias() = dhead * of_qkv(2).transpose();
      SoftmaxBackward(p_.view(), dp_.view());
      dp_.view() *= scale_;
      part(dqkv, 0).noalias() = dp_.view() * of_qkv(1);
      part(dqkv, 1).noalias() = dp_.view().transpose() * of_qkv(0);
    }
  }
}

}  // namespace zhiyin::worker::model::nn
