// y = x: the inputs as they are, beside what other interactions make of them.
#include "worker/model/interaction/interactions.h"

namespace zhiyin::worker::model {
namespace {

class Inputs final : public nn::ColumnLayer {
 public:
  explicit Inputs(int dim) : dim_(dim) {}

  int out() const override { return dim_; }
  void Init(Random*, std::span<float>) const override {}
  void Forward(std::span<const float>, const nn::ConstBlock& x, const nn::Pass&,
               nn::MutableBlock y) override {
    y = x;
  }
  nn::Graph::Value AddTo(nn::Graph*, std::span<const float>,
                         const nn::Graph::Value& x) const override {
    return x;
  }
  void Backward(std::span<const float>, const nn::ConstBlock&, const nn::ConstBlock&,
                nn::MutableBlock dy, std::span<float>, nn::MutableBlock dx) override {
    dx += dy;
  }

 private:
  int dim_;
};

std::unique_ptr<nn::ColumnLayer> MakeInputs(const Interaction&, const InputLayout& layout,
                                            int64_t*) {
  return std::make_unique<Inputs>(layout.dim);
}

}  // namespace

const InteractionKind kInputs = {
    .name = "inputs",
    .make = MakeInputs,
};

}  // namespace zhiyin::worker::model
