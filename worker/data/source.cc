#include "worker/data/source.h"

#include <utility>

#include "common/error.h"
#include "worker/data/file_source.h"
#include "worker/data/generated/world.h"

namespace zhiyin::worker::data {

std::unique_ptr<Source> MakeSource(const Job& job, SplitKind split, LabelDomains labels,
                                   ExampleParser::Observer observer, const Tick& tick,
                                   ReadCounts* counts, const SideInputs& side) {
  if (job.data().has_text())
    return std::make_unique<FileSource>(job, split, std::move(labels), std::move(observer), tick,
                                        counts, side);
  if (ChosenWorld(job.data()) != nullptr)
    return MakeGeneratedSource(job, SplitOf(job.data(), split), std::move(labels),
                               std::move(observer));
  Fail("data: no source, expected text or one of the generated ones");
}

}  // namespace zhiyin::worker::data
