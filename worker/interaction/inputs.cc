// y = x: the inputs as they are, beside what other interactions make of them.
#include "worker/interaction/interaction.h"

namespace zhiyin::worker {
namespace {

class Inputs final : public ColumnLayer {
 public:
  explicit Inputs(int dim) : dim_(dim) {}

  int out() const override { return dim_; }
  void Init(Random*, std::span<float>) const override {}
  void Forward(std::span<const float>, const ConstBlock& x, const Pass&, MutableBlock y) override { y = x; }
  Graph::Value AddTo(Graph*, std::span<const float>, const Graph::Value& x) const override { return x; }
  void Backward(std::span<const float>, const ConstBlock&, const ConstBlock&, MutableBlock dy, std::span<float>,
                MutableBlock dx) override {
    dx += dy;
  }

 private:
  int dim_;
};

}  // namespace

std::unique_ptr<ColumnLayer> MakeInputs(const InputLayout& layout) {
  return std::make_unique<Inputs>(layout.dim);
}

}  // namespace zhiyin::worker
