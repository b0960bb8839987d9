// What reads the answers of each protocol.
#pragma once

#include <sennit/backends/wire/answer_assembler.hpp>
#include <sennit/backends/wire/api.hpp>
#include <sennit/backends/wire/think_splitter.hpp>

#include <memory>

namespace sennit {

/// `think`, `verbatim`: see AnswerAssembler.
[[nodiscard]] std::unique_ptr<AnswerAssembler> make_assembler(Api api, ThinkStart think, bool verbatim);

}  // namespace sennit
