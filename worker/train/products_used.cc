#include "worker/train/products_used.h"

#include "common/text.h"
#include "worker/model/nn/product.h"

namespace zhiyin::worker::train {

ProductsUsed GatherProductsUsed(const Train& train, Group* group) {
  const bool rounds_in_floats =
      train.compute() == Train::BF16 && !model::nn::HasBfloat16Instructions();
  const std::vector<std::string> all = group->Gather(
      (rounds_in_floats ? "1" : "0") + model::nn::DescribeBackend(), "how it multiplies");
  ProductsUsed used;
  int n_in_floats = 0;
  for (const std::string& one : all) {
    used.backends.insert(one.substr(1));
    if (one[0] == '1') ++n_in_floats;
  }
  if (n_in_floats > 0)
    used.notes.push_back(TextOf("note: train.compute: BF16, but ", n_in_floats, " of ", all.size(),
                                " workers have no instructions for it: factors are rounded, and "
                                "multiplied as floats, which is not faster than FP32"));
  if (used.backends.size() > 1) {
    std::string note =
        "note: workers multiply in different ways, so that the last bits of a result "
        "depend on who computes it:";
    for (const std::string& backend : used.backends)
      note += (&backend == &*used.backends.begin() ? " " : ", ") + backend;
    used.notes.push_back(note);
  }
  return used;
}

}  // namespace zhiyin::worker::train
