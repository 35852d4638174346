#include "worker/data/source.h"

#include <utility>

#include "common/error.h"
#include "worker/data/generated/world.h"
#include "worker/data/text_source.h"

namespace zhiyin::worker::data {

std::unique_ptr<Source> MakeSource(const Job& job, SplitKind split, LabelDomains labels,
                                   RowParser::Observer observer) {
  const Split& rows = split == SplitKind::kTrain ? job.data().train() : job.data().test();
  if (job.data().has_text())
    return std::make_unique<TextSource>(job, rows, std::move(labels), std::move(observer));
  if (ChosenWorld(job.data()) != nullptr)
    return MakeGeneratedSource(job, rows, std::move(labels), std::move(observer));
  Fail("data: no source, expected text or one of the generated ones");
}

}  // namespace zhiyin::worker::data
