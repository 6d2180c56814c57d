//! Chat templates: the shapes that the templates of well-known models have, and hostile ones.

use std::time::{Duration, Instant};

use runtime::chat::{AddGenerationPrompt, Message, Template, TemplateError};
use runtime::gguf::{Gguf, Writer};

/// A template in a file with the tokens `<s>` (0, BOS) and `</s>` (1, EOS).
fn template(source: &str) -> Template {
    let mut writer = Writer::new();
    writer
        .metadata("tokenizer.chat_template", source)
        .array("tokenizer.ggml.tokens", ["<s>", "</s>"])
        .metadata("tokenizer.ggml.bos_token_id", 0u32)
        .metadata("tokenizer.ggml.eos_token_id", 1u32);
    let file = writer.begin(Vec::new()).unwrap().finish().unwrap();
    Template::from_metadata(Gguf::parse(&file).unwrap().metadata()).unwrap()
}

fn talk() -> [Message; 4] {
    [
        Message::system("Be brief."),
        Message::user("Hi <there>!"),
        Message::assistant(" Hello. "),
        Message::user("What's 1+1?"),
    ]
}

fn render(source: &str, messages: &[Message]) -> Result<String, TemplateError> {
    template(source).render(messages, AddGenerationPrompt::Yes)
}

#[test]
fn chatml() {
    let source = "\
{%- if messages[0]['role'] != 'system' -%}
    {{- '<|im_start|>system\\nDefault.<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages %}
    {%- if (message.role == \"user\") or (message.role == \"system\") or (message.role == \"assistant\" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
";
    let text = render(source, &talk()).unwrap();
    assert_eq!(
        text,
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <there>!<|im_end|>\n\
         <|im_start|>assistant\n Hello. <|im_end|>\n<|im_start|>user\nWhat's 1+1?<|im_end|>\n\
         <|im_start|>assistant\n"
    );
    let text = template(source).render(&talk()[1..2], AddGenerationPrompt::No).unwrap();
    assert_eq!(
        text,
        "<|im_start|>system\nDefault.<|im_end|>\n<|im_start|>user\nHi <there>!<|im_end|>\n"
    );
}

/// As Llama 3.1: a slice of the messages, the date, a namespace that nobody set.
#[test]
fn llama_3() {
    let source = "\
{{- bos_token }}
{%- if not tools is defined or tools is none %}
    {%- set tools = none %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now(\"%d %b %Y\") %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = \"\" %}
{%- endif %}
{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}
{{- \"Today Date: \" + date_string + \"\\n\\n\" }}
{{- system_message }}
{{- \"<|eot_id|>\" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
";
    let text = render(source, &talk()).unwrap();
    let (system, turns) = text.split_once("<|eot_id|>").unwrap();
    let head = "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: ";
    let rest = system.strip_prefix(head).unwrap();
    let (date, message) = rest.split_once("\n\n").unwrap();
    assert_eq!(message, "Be brief.");
    let parts: Vec<&str> = date.split(' ').collect();
    assert!(
        matches!(*parts, [day, month, year] if day.len() == 2 && month.len() == 3 && year.len() == 4),
        "{date:?}"
    );
    assert_eq!(
        turns,
        "<|start_header_id|>user<|end_header_id|>\n\nHi <there>!<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>\
         <|start_header_id|>user<|end_header_id|>\n\nWhat's 1+1?<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n"
    );
}

/// As Mistral: turns must alternate, the system message goes into the first of the user's.
#[test]
fn mistral() {
    let source = "\
{%- if messages[0][\"role\"] == \"system\" %}
    {%- set system_message = messages[0][\"content\"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message[\"role\"] == \"user\" %}
        {%- if loop.first and system_message is defined %}
            {{- \"[INST] \" + system_message + \"\\n\\n\" + message[\"content\"] + \"[/INST]\" }}
        {%- else %}
            {{- \"[INST] \" + message[\"content\"] + \"[/INST]\" }}
        {%- endif %}
    {%- elif message[\"role\"] == \"assistant\" %}
        {{- \" \" + message[\"content\"].strip() + eos_token}}
    {%- else %}
        {{- raise_exception('Only user and assistant roles are supported!') }}
    {%- endif %}
{%- endfor %}
";
    assert_eq!(
        render(source, &talk()).unwrap(),
        "<s>[INST] Be brief.\n\nHi <there>![/INST] Hello.</s>[INST] What's 1+1?[/INST]"
    );
    let error = render(source, &talk()[2..]).unwrap_err().to_string();
    assert!(error.contains("tokenizer.chat_template"), "{error}");
    assert!(error.contains("roles must alternate"), "{error}");
}

/// As Gemma: roles renamed, blocks on lines of their own, which leave none.
#[test]
fn gemma() {
    let source = "\
{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
{% for message in messages %}
    {% if message['role'] == 'assistant' %}
        {% set role = 'model' %}
    {% else %}
        {% set role = message['role'] %}
    {% endif %}
{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor %}
{% if add_generation_prompt %}
{{'<start_of_turn>model\\n'}}
{%- endif %}
";
    assert_eq!(
        render(source, &talk()[1..3]).unwrap(),
        "<s><start_of_turn>user\nHi <there>!<end_of_turn>\n<start_of_turn>model\nHello.\
         <end_of_turn>\n<start_of_turn>model\n"
    );
    let error = render(source, &talk()).unwrap_err().to_string();
    assert!(error.contains("System role not supported"), "{error}");
}

/// As Qwen 3 and SmolLM 3: namespaces, slices from behind, methods of strings, generation blocks.
#[test]
fn what_newer_templates_use() {
    let source = "\
{%- set ns = namespace(last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if message.role == 'user' and not message.content.startswith('<tool>') %}
        {%- set ns.last = index %}
        {%- break %}
    {%- endif %}
{%- endfor %}
{{- ns.last ~ ';' }}
{%- generation %}{{- ' a b '.strip().split(' ')[-1] }}{%- endgeneration %}
{%- set d = {'b': [1, 2.5, none, true], 'a': 'é<\\''} %}
{{- d | tojson }}
{%- for key, value in d.items() %}{{ key }}{% endfor %}
{{- (d | tojson(indent=2)).splitlines() | length }}
{%- macro shout(text) %}{{ text | upper }}!{% endmacro %}
{{- shout('x') }}{{ d.get('c', 'none') }}
";
    assert_eq!(
        render(source, &talk()).unwrap(),
        "3;b{\"b\": [1, 2.5, null, true], \"a\": \"é<'\"}ba9X!none"
    );
}

#[test]
fn a_file_without_a_template_says_what_to_do() {
    let file = Writer::new().begin(Vec::new()).unwrap().finish().unwrap();
    let gguf = Gguf::parse(&file).unwrap();
    let error = Template::from_metadata(gguf.metadata()).unwrap_err();
    assert!(matches!(error, TemplateError::Missing));
    let text = error.to_string();
    assert!(
        text.contains("\"tokenizer.chat_template\"") && text.contains("plain prompt"),
        "{text}"
    );
}

#[test]
fn a_template_that_is_no_template_is_refused_by_line() {
    for source in
        ["{% if %}", "{{ messages", "{% for %}{% endfor %}", "{% nonsense %}", "{% include 'x' %}"]
    {
        let error = Template::new(source).unwrap_err();
        assert!(matches!(error, TemplateError::Syntax(_)), "{source}: {error}");
        assert!(
            error.to_string().contains("line 1") || error.to_string().contains(":1"),
            "{error}"
        );
    }
}

/// Most would take for ever, all memory or all of the stack; the last are merely wrong.
#[test]
fn templates_that_do_too_much_are_stopped() {
    // Lists that are cheap to promise: `y` is one of ninety million.
    let long = "{% set x = ['a'] %}{% set y = x * 90000000 %}";
    // Values that hold themselves many times over.
    let twice = |value: &str| {
        format!(
            "{{% set ns = namespace(x=['a'], y=['a']) %}}{{% for i in range(60) %}}\
             {{% set ns.x = [ns.x, ns.x] %}}{{% set ns.y = [ns.y, ns.y] %}}{{% endfor %}}{value}"
        )
    };
    let grow = |step: &str, value: &str| {
        format!(
            "{{% set ns = namespace(x=[1], d={{}}) %}}{{% for i in range(4000) %}}\
             {{% set ns.x = {step} %}}{{% endfor %}}{value}"
        )
    };
    let many = "ns.x, ".repeat(40);
    let sources = [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='0123456789') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}".into(),
        "{{ 'x' * 10000000000 }}".into(),
        "{{ 'x' * 1000000000 }}".into(),
        "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}".into(),
        "{{ range(1000000000000) | list }}".into(),
        "{{ [1] * 1000000000000 }}".into(),
        "{{ 'a'.replace('a', 'b' * 100000).replace('b', 'c' * 100000) }}".into(),
        "{{ 'x' | center(10000000000) }}".into(),
        "{{ [1] | tojson(indent=10000000000) }}".into(),
        "{{ '%9999999999d' | format(1) }}".into(),
        "{{ '{:>1000000000}'.format(3) | length }}".into(),
        "{{ '{:>{}}'.format(3, 1000000000) | length }}".into(),
        "{{ strftime_now('%Q%') }}".into(),
        "{{ strftime_now('%999999999Y') }}".into(),
        // The compiler computes what is constant.
        "{{ [1] * 100000000 == [1] * 100000000 }}".into(),
        "{{ 5 in ([1] or 2) * 100000000 }}".into(),
        "{{ [[1] * 100000000] * 100000000 == [[1]*100000000]*100000000 }}".into(),
        format!("{long}{{{{ [y] | string | length }}}}"),
        format!("{long}{{{{ '%s' | format(y) | length }}}}"),
        format!("{long}{{{{ ''.join(y) }}}}"),
        format!("{long}{{{{ {{y: 1}}[y] }}}}"),
        format!("{long}{{{{ dict(a=y) | tojson }}}}"),
        format!("{long}{{{{ y is eq(y[:]) }}}}"),
        format!("{long}{{{{ y | upper | length }}}}"),
        "{% set a = 'a' * 500000 %}{{ a.replace('a', a) | length }}".into(),
        "{% set a = 'a' * 500000 %}{{ a.join(range(5000) | map('string')) | length }}".into(),
        twice("{{ ns.x | string | length }}"),
        twice("{{ ns.x | tojson | length }}"),
        twice("{{ ns.x == ns.y }}"),
        twice("{{ {ns.x: 1} | length }}"),
        twice("").replace("60", "12") + "{% for i in range(9000) %}{{ ns.x == ns.y }}{% endfor %}",
        grow("ns.x + ns.x", "{{ ns.x | length }}"),
        grow("[ns.x]", "{{ ns.x }}"),
        grow("ns.x[0:]", "{{ ns.x | list | length }}"),
        grow("ns.x * 1", "{{ ns.x | list | length }}"),
        grow("ns.x | reverse", "{{ ns.x | list | length }}"),
        grow("ns.x | zip(ns.x) | list", "{{ ns.x }}"),
        grow("ns.x | batch(1) | list", "{{ ns.x }}"),
        grow("ns.x | chain(ns.x)", "{{ ns.x[7] }}"),
        grow(&format!("[{many}] | sum(start=[])"), "{{ ns.x | length }}"),
        grow("dict(a=ns.x, b=ns.x)", "{{ ns.x }}"),
        grow("dict(ns.x, a=ns.d)", "{{ ns.x.foo }}"),
        grow("ns", "{{ ns }}"),
        grow("[ns]", "{{ ns }}"),
        grow("namespace(x=ns)", "{{ ns }}"),
        "{% set a = namespace() %}{% set b = namespace(a=a) %}{% set a.b = b %}{{ a == b }}".into(),
        "{% set a = namespace() %}{% set b, a.x = 1, a %}{{ a }}".into(),
        "{% set a = namespace() %}{% set a.x = [1] | batch(2, a) | list %}{{ a }}".into(),
        "{% set a = namespace() %}{% set a.x %}y{% endset %}{% set a.x = a | default(1) %}{{ a }}".into(),
        "{% macro m(x) %}{{ m(x + x) }}{% endmacro %}{{ m([1]) }}".into(),
        "{% for y in [[1]] recursive %}{{ loop([y + y]) }}{% endfor %}".into(),
        "{{ messages[0].nothing.at_all }}".into(),
    ];
    for source in sources {
        let start = Instant::now();
        match render(&source, &talk()) {
            Ok(text) => assert!(text.len() < 1 << 20, "{source}: {} bytes", text.len()),
            Err(error) => assert!(error.to_string().len() < 1000, "{error}"),
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{source}: {:?}", start.elapsed());
        if let Some(peak) = peak_memory() {
            assert!(peak < 256 << 20, "{source}: {peak} bytes");
        }
    }
}

/// The most that this process ever had in memory, where the system says it.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? << 10)
}

/// The calls that keep a template in bounds change nothing else: here is one of each construct.
#[test]
fn a_template_in_bounds_works_as_written() {
    let source = "\
{%- macro show(items, mark='-') %}{% for i in items %}{{ mark * 2 }}{{ i }}{% if not loop.last %} {% endif %}{% else %}none{% endfor %}{% endmacro %}
{{- show([1, 2] + [3]) }};{{ show(*[[]]) }};{{ show(range(2), mark='+') }};
{%- set a, b = (2 * 3 * 4, 7 // 2 * 2) %}{{ a }},{{ b }};
{%- set ns = namespace(n=0, seen=[]) %}
{%- for m in messages if m.role == 'user' %}
    {%- set ns.n = ns.n + m.content | length %}
    {%- set ns.seen = ns.seen + [loop.index0 * 10] %}
    {%- if loop.index == 9 %}{% break %}{% else %}{% continue %}{% endif %}
{%- endfor %}{{ ns.n }}{{ ns.seen }};
{%- for item in [1, [2, [3]]] recursive %}{{ '(' ~ loop(item) ~ ')' if item is sequence else item }}{% endfor %};
{%- macro wrap() %}[{{ caller() }}]{% endmacro %}{% call wrap() %}{{ 2 * ns.n }}{% endcall %};
{%- set text %}<{{ 'x' * 3 }}>{% endset %}{{ text | upper }};
{%- filter upper %}abc{% endfilter %};{% with z = {'k': [1, 2][::-1]} %}{{ z.k[0] * 1.5 }}{% endwith %};
{{- ('a' in 'abc' and 1 in [1]) and 'yes' }};{{ 'ab'.upper() + '-' * 3 + 'c' }};{{ '{:>3}'.format('x') }};
{{- {'a': 1} | tojson if false else 'else' }};{{ 2 ** 3 * 2 }};{{ ([messages[0].role] * 2) | join(',') }}";
    // As Jinja2 3.1.6 has it.
    assert_eq!(
        render(source, &talk()).unwrap(),
        "--1 --2 --3;none;++0 ++1;24,6;22[0, 10];1(2(3));[44];<XXX>;ABC;3.0;yes;AB---c;  x;else;16;\
         system,system"
    );
}

/// A conversation pays for what is said in it: templates copy it some times over.
#[test]
fn long_conversations_are_in_bounds() {
    let source = "\
{%- set system_message = '' %}{% set loop_messages = messages %}
{%- for message in loop_messages %}
    {%- set content = '' + message.content | trim + '\\n' %}
    {%- if message.role == 'user' %}{{ '<|user|>' + content + eos_token }}
    {%- else %}{{ '<|assistant|>' + content.strip() + '\\n' + eos_token }}{% endif %}
{%- endfor %}";
    let said = "All work and no play makes Jack a dull boy. ".repeat(25_000);
    let long = [Message::user(said.clone()), Message::assistant(said.clone())];
    assert!(render(source, &long).unwrap().len() > 2 * 1_000_000);

    let gather = "\
{%- set ns = namespace(seen=[]) %}
{%- for m in messages %}{% set ns.seen = ns.seen + [m] %}{% endfor %}
{%- for m in ns.seen[1:] %}{{ m.role }}: {{ m.content }};{% endfor %}";
    let turns: Vec<Message> = (0..1000).map(|n| Message::user(format!("No. {n}"))).collect();
    let text = render(gather, &turns).unwrap();
    assert!(text.starts_with("user: No. 1;") && text.ends_with("user: No. 999;"));
}

#[test]
fn a_template_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Template>();
    shared::<runtime::Tokenizer>();
}
