// Squeeze and excitation of fields (Huang, Zhang and Zhang, "FiBiNET", RecSys 2019, section 3.2):
//   z_f = mean over the columns of v_f                  squeeze
//   a = relu(relu(z W1) W2)                             excitation, without biases
//   y_f = a_f v_f                                       re-weight
//
//   v_f [n, dim_f], the vector of field f   z, a [n, F]   W1 [F, H]   W2 [H, F]
//   H = max(1, F / reduction)
#include <algorithm>

#include "worker/model/interaction/interactions.h"
#include "worker/model/nn/init.h"
#include "worker/model/nn/linear_map.h"
#include "worker/model/nn/workspace.h"

namespace zhiyin::worker::model {
namespace {

class Senet final : public nn::ColumnLayer {
 public:
  Senet(const Interaction::Senet& config, const InputLayout& layout, int64_t* n_weights)
      : fields_(layout.FieldsNamed(config.field())),
        n_fields_(static_cast<int>(fields_.size())),
        hidden_(std::max(1, n_fields_ / config.reduction())),
        w1_(n_fields_, hidden_, n_weights),
        w2_(hidden_, n_fields_, n_weights) {
    for (const InputLayout::Part& part : fields_) out_ += part.dim;
  }

  int out() const override { return out_; }

  /// As before any ReLU (He et al., ICCV 2015); the last layer begins without negative weights, so
  /// that no gate begins closed for all rows.
  void Init(Random* random, std::span<float> weights) const override {
    const int64_t n = int64_t{n_fields_} * hidden_;
    nn::InitUniform(std::sqrt(6.0 / n_fields_), w1_.begin(), n, random, weights);
    nn::InitUniform(std::sqrt(6.0 / hidden_), w2_.begin(), n, random, weights);
    VectorView w2(weights.data() + w2_.begin(), n);
    w2 = w2.cwiseAbs();
  }

  void Forward(std::span<const float> weights, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    for (nn::Workspace* w : {&z_, &a_, &da_}) w->resize(x.rows(), n_fields_);
    for (nn::Workspace* w : {&h_, &dh_}) w->resize(x.rows(), hidden_);
    MatrixView z = z_.view();
    MatrixView h = h_.view();
    MatrixView a = a_.view();
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      for (int f = 0; f < n_fields_; ++f) z(i, f) = x.row(i).segment(Begin(f), Dim(f)).mean();
    }
    w1_.Forward(weights, z, h);
    h = h.cwiseMax(0.0f);
    w2_.Forward(weights, h, a);
    a = a.cwiseMax(0.0f);
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      for (int f = 0, at = 0; f < n_fields_; at += Dim(f++))
        y.row(i).segment(at, Dim(f)) = a(i, f) * x.row(i).segment(Begin(f), Dim(f));
    }
  }

  /// da_f = <dy_f, v_f>;  dv_f = a_f dy_f + dz_f / dim_f
  void Backward(std::span<const float> weights, const nn::ConstBlock& x, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float> dweights, nn::MutableBlock dx) override {
    const MatrixView h = h_.view();
    const MatrixView a = a_.view();
    MatrixView da = da_.view();
    MatrixView dh = dh_.view();
    for (Eigen::Index i = 0; i < dy.rows(); ++i) {
      for (int f = 0, at = 0; f < n_fields_; at += Dim(f++)) {
        const auto dy_f = dy.row(i).segment(at, Dim(f));
        da(i, f) = a(i, f) > 0 ? dy_f.dot(x.row(i).segment(Begin(f), Dim(f))) : 0.0f;
        dx.row(i).segment(Begin(f), Dim(f)) += a(i, f) * dy_f;
      }
    }
    w2_.BackwardWeights(h, da, dweights);
    w2_.BackwardInput(weights, da, dh);
    dh = (h.array() > 0.0f).select(dh, 0.0f);
    w1_.BackwardWeights(z_.view(), dh, dweights);
    MatrixView dz = da;  // in the memory of da, which is not needed any more
    w1_.BackwardInput(weights, dh, dz);
    for (Eigen::Index i = 0; i < dy.rows(); ++i) {
      for (int f = 0; f < n_fields_; ++f)
        dx.row(i).segment(Begin(f), Dim(f)).array() += dz(i, f) / static_cast<float>(Dim(f));
    }
  }

 private:
  int Begin(int f) const { return fields_[static_cast<size_t>(f)].begin; }
  int Dim(int f) const { return fields_[static_cast<size_t>(f)].dim; }

  std::vector<InputLayout::Part> fields_;
  int n_fields_;
  int hidden_;
  nn::LinearMap w1_;
  nn::LinearMap w2_;
  int out_ = 0;
  nn::Workspace z_;   // [n, F]
  nn::Workspace h_;   // [n, H]
  nn::Workspace a_;   // [n, F]
  nn::Workspace da_;  // [n, F]
  nn::Workspace dh_;  // [n, H]
};

void CheckSenet(const ModelChecker& check, const config::ConfigPath& path,
                const Interaction& interaction) {
  const Interaction::Senet& senet = interaction.senet();
  const size_t n_fields = check.ChosenFields(path, senet.field()).size();
  check.CheckRange(path("reduction"), senet.reduction(), 1, static_cast<int>(n_fields));
}

std::unique_ptr<nn::ColumnLayer> MakeSenet(const Interaction& config, const InputLayout& layout,
                                           int64_t* n_weights) {
  return std::make_unique<Senet>(config.senet(), layout, n_weights);
}

}  // namespace

const InteractionKind kSenet = {
    .name = "senet",
    .check = CheckSenet,
    .make = MakeSenet,
};

}  // namespace zhiyin::worker::model
