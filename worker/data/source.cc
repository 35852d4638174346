#include "worker/data/source.h"

#include <utility>

#include "common/error.h"
#include "worker/data/generated/world.h"
#include "worker/data/text_source.h"

namespace zhiyin::worker::data {

std::unique_ptr<Source> MakeSource(const Job& job, SplitKind split, LabelDomains labels,
                                   RowParser::Observer observer) {
  const Split& rows = split == SplitKind::kTrain ? job.data().train() : job.data().test();
  switch (job.data().source_case()) {
    case Data::kText:
      return std::make_unique<TextSource>(job, rows, std::move(labels), std::move(observer));
    case Data::kGeneratedRatings:
    case Data::kGeneratedUniform:
    case Data::kGeneratedRelatedTasks:
    case Data::kGeneratedFunnel:
      return MakeGeneratedSource(job, rows, std::move(labels), std::move(observer));
    case Data::SOURCE_NOT_SET:
      break;
  }
  Fail("data: no source, expected text or one of the generated ones");
}

}  // namespace zhiyin::worker::data
