#include "ps/table/optimizer.h"

#include <glog/logging.h>
#include <google/protobuf/message.h>

#include <cmath>
#include <limits>

#include "common/config/kinds.h"
#include "ps/table/optimizer/optimizers.h"
#include "ps/table/schedule.h"

namespace zhiyin::ps::table {
namespace {

/// Checks that the numbers of a message, and of all within, can be floats, as which optimizers use
/// them. An epsilon that becomes 0 would divide 0 by 0.
void CheckAreFloats(const config::Checker& check, const config::ConfigPath& path,
                    const google::protobuf::Message& message) {
  using Field = google::protobuf::FieldDescriptor;
  using Limits = std::numeric_limits<float>;
  std::vector<const Field*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const Field* field : fields) {
    if (field->is_repeated()) continue;
    if (field->cpp_type() == Field::CPPTYPE_MESSAGE) {
      CheckAreFloats(check, path(field->name()),
                     message.GetReflection()->GetMessage(message, field));
    } else if (field->cpp_type() == Field::CPPTYPE_DOUBLE) {
      const double value = message.GetReflection()->GetDouble(message, field);
      const double size = std::abs(value);
      if (size != 0 && !(size >= Limits::min() && size <= Limits::max())) {
        check.Fail(path(field->name()), "is ", value, ", expected 0 or a number from ",
                   Limits::min(), " to ", Limits::max());
      }
    }
  }
}

}  // namespace

std::span<const OptimizerKind* const> Optimizers() {
#define ZHIYIN_ADDRESS(Name) &k##Name,
  static constexpr const OptimizerKind* kOptimizers[] = {ZHIYIN_OPTIMIZERS(ZHIYIN_ADDRESS)};
#undef ZHIYIN_ADDRESS
  return kOptimizers;
}

const OptimizerKind* ChosenOptimizer(const zhiyin::Optimizer& config) {
  return config::FindKind(Optimizers(), config::ChosenName(config, "kind"));
}

void FillOptimizer(zhiyin::Optimizer* config) {
  const OptimizerKind* kind = ChosenOptimizer(*config);
  if (kind != nullptr && kind->fill_defaults != nullptr) kind->fill_defaults(config);
  if (!config->has_weight_decay()) config->set_weight_decay(0);
}

void CheckOptimizer(const config::Checker& check, const config::ConfigPath& path,
                    const zhiyin::Optimizer& config) {
  check.CheckNotNegative(path("clip_norm"), config.clip_norm());
  check.CheckNotNegative(path("weight_decay"), config.weight_decay());
  CheckSchedule(check, path("schedule"), config.schedule());
  const OptimizerKind* kind = ChosenOptimizer(config);
  if (kind == nullptr) {
    check.Fail(path, "is missing, expected ",
               config::Listed(config::KindNames(Optimizers()), "or"));
  }
  kind->check(check, path, config);
  CheckAreFloats(check, path, config);
}

std::unique_ptr<Optimizer> MakeOptimizer(const zhiyin::Optimizer& config) {
  const OptimizerKind* kind = ChosenOptimizer(config);
  CHECK(kind != nullptr) << "an optimizer without a kind passed the checks";
  return kind->make(config);
}

}  // namespace zhiyin::ps::table
