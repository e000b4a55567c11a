package dsl

// Codes of problems. They are stable: a code never changes its meaning, and docs/problems.md has a section for each.
const (
	codeSyntax      = "R0001"
	codeQuote       = "R0002"
	codeDuplicate   = "R0003"
	codeAlias       = "R0004"
	codeKind        = "R0005"
	codeShape       = "R0006"
	codeUnknownKey  = "R0007"
	codeMissingKey  = "R0008"
	codeConflict    = "R0009"
	codeFile        = "R0011"
	codeSameName    = "R0014"
	codeName        = "R0101"
	codeID          = "R0102"
	codeDuration    = "R0103"
	codeLimit       = "R0104"
	codeValue       = "R0105"
	codeZone        = "R0106"
	codeHours       = "R0107"
	codeAddress     = "R0109"
	codeLocale      = "R0110"
	codeNumber      = "R0111"
	codeMoment      = "R0112"
	codeEventType   = "R0201"
	codePurpose     = "R0202"
	codeMessage     = "R0203"
	codeChannel     = "R0204"
	codeSequence    = "R0205"
	codeStatus      = "R0206"
	codeTransaction = "R0207"
	codeSender      = "R0208"
	codePool        = "R0209"
	codeSurvey      = "R0210"
	codeCircle      = "R0211"
	codePoolCircle  = "R0212"
	codeNoEffect    = "R0213"
	codeInterview   = "R0214"
	codeField       = "R0215"
	codeSpecial     = "R0216"
	codeExprSyntax  = "R0301"
	codeExprType    = "R0302"
	codeExprBool    = "R0303"
	codeExprSize    = "R0304"
	codeExprTime    = "R0305"
	codeExprStep    = "R0306"
	codeExprEvent   = "R0307"
	codeConstant    = "R0308"
	codeExprCost    = "R0309"
	codeStepID      = "R0401"
	codeNeedsID     = "R0402"
	codeOutcome     = "R0403"
	codeTimeout     = "R0404"
	codeMatchStep   = "R0405"
	codeUnreachable = "R0406"
	codeNoSteps     = "R0407"
	codeReserved    = "R0408"
	codeArms        = "R0409"
	codeNever       = "R0410"
	codeEndless     = "R0411"
	codeWindow      = "R0412"
	codeApplication = "R0413"
	codeLiquid      = "R0501"
	codeVariable    = "R0502"
	codeMayBeEmpty  = "R0503"
	codeLink        = "R0504"
	codeSubject     = "R0505"
	codeLong        = "R0506"
	codeHTML        = "R0507"
	codeTranslation = "R0508"
	codeMJML        = "R0509"
	codeTestStep    = "R0601"
	codeTestNever   = "R0602"
	codeTestData    = "R0603"
	codeTestTime    = "R0604"
)

// ProblemTitles returns what each problem code means, in a few words.
func ProblemTitles() map[string]string { //nolint:funlen // a table
	return map[string]string{
		codeSyntax:      "The file is not YAML",
		codeQuote:       "An expression needs single quotes",
		codeDuplicate:   "A key is there twice",
		codeAlias:       "Anchors, aliases, merge keys and tags are not used",
		codeKind:        "A document begins with its kind and its name",
		codeShape:       "A value has the wrong shape",
		codeUnknownKey:  "A key is not known here",
		codeMissingKey:  "A key is missing",
		codeConflict:    "Keys do not go together",
		codeFile:        "The file cannot be read as text",
		codeSameName:    "Two documents have the same name",
		codeName:        "A name is not well formed",
		codeID:          "An id is not well formed",
		codeDuration:    "A duration is not well formed",
		codeLimit:       "A limit is not well formed",
		codeValue:       "A value is not one of the known ones",
		codeZone:        "A time zone is not known",
		codeHours:       "Opening hours are not well formed",
		codeAddress:     "An address is not well formed",
		codeLocale:      "A locale is not well formed",
		codeNumber:      "A number is out of its range",
		codeMoment:      "A moment is not well formed",
		codeEventType:   "An event type is not known",
		codePurpose:     "A purpose is not declared",
		codeMessage:     "A message does not exist",
		codeChannel:     "A message belongs to another channel",
		codeSequence:    "A sequence does not exist",
		codeStatus:      "A value is outside its vocabulary",
		codeTransaction: "The transactional purpose is used for something else",
		codeSender:      "A sender is not configured",
		codePool:        "A pool does not exist, or is not kept by hand",
		codeSurvey:      "A survey does not exist",
		codeCircle:      "Sequences enroll each other in a circle",
		codePoolCircle:  "Pools ask about each other in a circle",
		codeNoEffect:    "Something has no effect",
		codeInterview:   "An interview does not exist",
		codeField:       "A field is not declared",
		codeSpecial:     "A special category of data is used without a basis",
		codeExprSyntax:  "An expression is not well formed",
		codeExprType:    "An expression does not fit the declared types",
		codeExprBool:    "A condition is not yes or no",
		codeExprSize:    "An expression is too large",
		codeExprTime:    "Time alone does not wake a run",
		codeExprStep:    "An expression names a step that has not come yet",
		codeExprEvent:   "There is no event here",
		codeConstant:    "A condition decides nothing",
		codeExprCost:    "An expression takes too long",
		codeStepID:      "An id is used twice",
		codeNeedsID:     "A step with outcomes needs an id",
		codeOutcome:     "A branch is for an outcome that the step does not have",
		codeTimeout:     "A wait needs a timeout",
		codeMatchStep:   "A match names a step that sends nothing",
		codeUnreachable: "A step or branch is never reached",
		codeNoSteps:     "A list has no entries",
		codeReserved:    "A word is reserved",
		codeArms:        "The arms of an experiment do not work out",
		codeNever:       "A match never happens",
		codeEndless:     "Nothing ends a repeat",
		codeWindow:      "A window lies in the quiet hours",
		codeApplication: "A step needs an application",
		codeLiquid:      "A template is not well formed",
		codeVariable:    "A template variable is not known",
		codeMayBeEmpty:  "A template variable may be empty",
		codeLink:        "A link leads nowhere safe",
		codeSubject:     "A message lacks a part, or has one too many",
		codeLong:        "A text message is long",
		codeHTML:        "HTML is not used in messages",
		codeTranslation: "A translation has no original",
		codeMJML:        "MJML is not well formed",
		codeTestStep:    "A test names a step that is not there",
		codeTestNever:   "A test expects what can never come",
		codeTestData:    "An event's data does not fit its type",
		codeTestTime:    "The times of a test are out of order",
	}
}
