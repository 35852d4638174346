#include "common/error.h"

#include "common/text.h"

namespace zhiyin {

Error::Error(std::string_view text) : std::runtime_error(OneLine(text)) {}

}  // namespace zhiyin
