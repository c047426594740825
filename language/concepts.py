"""Words of one meaning, gathered: `grana`, `pila` and `dinheiro` count as one for the classifier.

Ten thousand examples do not hold every word a customer may use; this list lets a word nobody trained
stand in for one that was. It says nothing about intents: those are learned from `data/nlu`.
Words are as folded by `language.folding`; `*` stands for any ending, and the longest match wins.
"""

from __future__ import annotations

from functools import lru_cache

CONCEPTS = """
pagar: pag* quit* sald* deposit* liquid* desembols* efetu* adimpl*
-: pagin* pagod*
comprovar: comprov* recib* print* prova provas autentica*
conta: bolet* bolt* fatur* carne carnes mensalidad* conta contas cobranc* papelzinh* papel papeis titulo duplicata talao guia documento
codigo: codigo* cod digit* barra* numerac* linha copia cola qrcode qr copiaecola
pix: pix pixi chave
cartao: cartao cartoes credit* debit* visa mastercard elo nubank bandeira maquininha
dinheiro: dinheir* grana pila especie trocado cash reais real conto contos pratas merreca tostao centavo*
banco: banco bancos bancari* agencia caixa bradesco itau santander nubank inter picpay loterica* correspondente ted doc app aplicativo
valor: valor* quant* preco* precos tarifa* custa* custo* sai montante total importancia
caro: car caro cara* salgad* abusiv* absurd* exorbitante alto alta altissim*
barato: barat* em-conta economic* popular menor
aumento: aument* subi* subir sobe subiu reajust* acrescim* encarec* amplia* majora*
diminuir: diminu* reduz* baix* abaix* descer desce cort* enxug*
desconto: descont* abat* abon* isen* perdoa* bonific*
parcelar: parcel* divid* rach* entrada prestac* parcelinha* pedac* fatia* metade
negociar: negoci* renegoci* acord* propost* proponho propom* refinanc* regulariz* acertar
divida: divid* debito* dever devo deve devendo atras* vencid* inadimpl* pendenc* pendent* aberto serasa spc negativ* nome-sujo juros multa* mora
prazo: prazo* prorrog* adia* adiar esper* aguard* segur* tempo* folga carencia posterg* estic*
vencimento: venc* vence vencer vencimento* data datas
mes: mes meses mensal mensalmente anual ano janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro quinzena
salario: salari* receb* ordenado pensao beneficio aposent* bolsa contracheque vale pagamento-cai quinto-dia
indevido: indevid* errad* erro errou injust* equivoc* engan* duplic* dobro dobrad* repetid* ressarc* reembols* estorn* devol* contest* discord* diverg* questiona* desconhec*
bloquear: bloque* cort* suspend* suspens* trav* barr* interromp* reten*
desbloquear: desbloque* liber* relig* reativ* restabele* restaur* destrav* solta* soltar desprend* reabr* libe* reconect*
confianca: confian* confia* promess* promet* palavra voto compromet* garant*
segunda_via: via vias segunda reimpri* reenvi* reemit* emit* gera gerar gere atualiz*
enviar: manda* mande mandem mandar envi* encaminh* remet* passa* repassa* post* baixar download imprim* email e-mail
internet: internet* intern* net wifi wi rede redes conexao conex* banda fibra sinal link conect* navega* online wireless provedor
sem: sem nenhum* nada zero
caiu: cai* caiu cair caindo quedas queda caem derrub* desab* sumiu sumir sum* morr* parou parar parad* mort* apag* fora offline indispon* interrup* acab*
lento: lent* devagar* deva* demor* arrast* tartaruga lesm* lerd* lag* lagad* delay lat* trav* engasg* congel* pic* carreg* bolinha gira girando rodando roda buffer* lento
-: lateral latao picole
instavel: instav* oscil* osci* intermit* vai volta voltando hora-pega fica-caindo pisca variand* vari*
velocidade: veloc* mega* giga* mb mbps gb gbps upload download ping jitter taxa rapid* ligeir* turbin* potente poten*
teste: test* speedtest medi* medir
luz: luz luzes led leds lampad* luzinha* pisc* vermelh* laranja amarel* verd* azul acend* aces* los pon
modem: modem* roteador* rotead* roter* aparelh* equipament* onu ont caixinha caix* router moden
desligado: deslig* apag* queim* fonte fontes tomada* carregador bivolt* adaptador energiz* liga* acende* botao plugue torr* fumac* estour* derret* cheiro
cabo: cabo* fio fios fiac* poste* rompi* romp* arrebent* pendur* solto solta torad* conector drop
tecnico: tecnic* equipe instalador* rapaz moco-tecnico visita* visit* agend* vistoria
marcar: marc* remarc* reagend* desmarc* horario* turno agend* combinad* adiant* antecip*
vir: vem vir vier veio vinha vira chega* chegar apareceu aparec* compareceu comparec* atras* passar
suporte: suport* assist* manuten* consert* repar* arrum* ajeit* defeit* problem* pane bug pau tecnica configur*
telefone: telefon* fixo ramal chia* chiado ruido mudo ligac* discar disca
camera: camera* dvr nvr alarme port* ip nat ddns bridge pppoe dns vpn mikrotik firewall
senha: senha* password nome-da-rede ssid invad* roub* vizinh* gato usando estranh* desconhecid*
trocar: troc* mud* alter* modific* substitu* transform* converter converte
esquecer: esquec* perd* lembr* recuper* redefin* recordo
protocolo: protocol* chamado* ocorrenc* solicit* demanda* ordem os ticket andament* status posicion* posic* retorn* analise
plano: plano* pacote* combo* oferta* promoc* catalog* tabela opcoes portfolio franquia
contratar: contrat* assin* adquir* aderir ades* fechar fecha instal* coloca* botar bota por ponham cliente cadastr*
-: contrato
novo: nov* outra outro segunda primeir* mais adicional extra
contrato: contrato* fidelidad* titular* cadastro
nome_de: nome titular* transfer* herd* herdeir* falec* morreu obito viuv* divorci* separ* inventar* razao socied* socio socia
cobertura: cobr* cobertur* atend* alcanc* disponi* viab* abrang* chega passa tem-na pega
-: cobranc*
lugar: bairro* rua* avenida cidade* municipio condomin* predio* edificio sitio* fazenda granja zona rural regiao loteament* conjunto povoado praia centro endereco localidade cep
mudanca: mudanc* mud* mudei mudar mudando mudo caminhao apartamento casa-nova outra-casa lar endereco carreto
viajar: viaj* viagem ferias fora temporad* intercambio exterior praia voltar-so passar
pausar: paus* suspend* suspens* congel* hibern* interromp* tempor* stand
cancelar: cancel* encerr* rescind* rescis* termin* deslig* desfaz* desist* larg* sair saio sair tirar retir* dispens* finaliz* acab* fidelidade
-: retirada
operadora: claro vivo tim oi concorren* operadora* provedor* empresa brisanet sky hughesnet starlink
atendente: atendent* human* pessoa pessoas gente alguem funcionari* operador* gerente supervisor* responsavel consultor* moca representante ser
falar: fala* falar falo fale convers* lig* dialog* contat* papo cham* transfer*
robo: robo* robot* maquina* bot chatbot ia inteligencia artificial automatic* programa* computador gravacao gravad*
horario: hora horas hor* expedient* abre abrem abert* fech* funcion* atende domingo* sabado* feriad* semana almoco plantao
onde: onde aonde local localiz* endereco fica ficam mapa referencia perto proxim* loja lojas escritorio unidade sede filial balcao matriz
saudacao: oi oie ola opa eai alo hello hey bom boa dia tarde noite salve saudac* saudo eae coe oii
tchau: tchau* xau adeus ate logo falou fui inte despec* abrac* beij* bjo bj flw despedi*
obrigado: obrigad* agradec* agradecid* grat* valeu grato grata brigad* gratidao thanks
sim: sim isso claro exat* certo correto corret* confirm* perfeit* positiv* ok okay beleza combinad* fechado concord* aceit* pode uhum aham confirmo afirmativ* show bora
nao: nao nem nunca jamais nenhum* negativ* tampouco nops neca
funcionou: funcion* volt* resolv* deu pegou consegui* restabeleceu normaliz* melhor* ajeitou
desistir: deixa deixe esquec* desisti* esquece larga para parar volta voltar anula abort* depois outra-hora
entender: entend* compreend* compreens* sacar saquei capt* pesc* assim explic* repet* repete clar* confus* perdid* boi*
menu: menu opcao opcoes lista ajud* servic* comeco inicio principal faz fazer capaz serve
elogio: ador* amei amo am* excelent* otim* maravilh* parabens perfeit* melhor top nota-dez incriv* show sensacional gent* simpat* atencios* educad* recomend* indic* satisf* eficien* competent* nota mil
-: amig* amanh* ambos
raiva: vergonh* absurd* pessim* horriv* horror* ridicul* palhac* lixo porcaria merda droga bosta odi* raiva inutil* burr* idiot* incompet* descaso desrespeit* decepc* ladr* roub* golpe engan* safad* mentir* fdp inferno desgrac* nojo nojent* pior procon anatel justica advogad* process* reclam* revolt* indign* cans* estress* puta porra caralh* cacete enrol*
meu_dado: cpf cnpj rg cep nome chamo nasc* sobrenome razao cpfs
familia: mae pai filh* espos* marid* mulher irma irmao tia tio avo vovo vo sogr* neto neta prim* cunhad* namorad* sobrinh* mainha painho mamae papai
trabalho: trabalh* empresa home office escritorio reuniao* loja comercio negocio firma prova aula faculdade escola curso servico
jogo: jog* game* partida ranked lol valorant fortnite fifa free fire cs roblox minecraft gta console ps5 xbox
video: netflix youtube filme* serie* novela* video* tv televis* stream* live* iptv globoplay disney prime assist* transmiss* spotify music* ouvir
zap: whats* zap* insta* facebook tiktok telegram rede-social mensag* audio* aplicativ*
tempo_ja: ja agora hoje ontem anteontem amanha desde cedo agorinha acab* recent*
futebol: futebol jogo-do gol gols time flamengo palmeiras corinthians vasco santos gremio botafogo campeonato copa brasileir* treino craque juiz selecao escalac* clube torcida classico bolao loteria mega-sena aposta* apostar bet tigrinho cassino
clima: chov* chuv* clima temperatura previsao frio calor mare sol ventania temporal trovao raio
comida: pizza* comid* receit* bolo lanche* almoc* jant* restaurante* cuscuz feijao arroz carne hamburgu* acai pao padaria delivery ifood cardapio churrasc* cerveja sushi salgad* doces marmit* tapioca pastel cafe fome cozinh* galinha frango peixe leite ovo
saude: medic* doenc* remedi* dor hospital dentist* exame* consulta* gripe febre farmacia sintoma* gravid* psicolog* vacina* plantonista posto ubs sus dieta emagrec*
utilidades: energisa cagepa agua gas energia eletric* esgoto caesb celpe iptu ipva luz-eletrica botijao lixo-coleta gasolina
governo: inss imposto* receita detran cnh rg-novo passaporte titulo eleitor prefeitur* governo bolsa-familia auxilio aposentador* concurso fgts cras vereador prefeito presidente eleic* politic* polici* delegacia cartorio lei juiz
veiculo: carro* moto* pneu* oficina* mecanic* gasolina uber taxi onibus aviao passag* voo passagem hotel pousada viagem rodoviaria aeroporto carona bicicleta
escola: matematic* historia redac* trabalho-escolar tarefa licao dever-de-casa enem vestibular matricul* professor* prova-de tcc planeta* capital equac* conta-de traduz* traduc* ingles espanhol japones frances frase poema poesia texto cart* rim* resum*
diversao: piada* cont* charada fofoca signo* horoscopo sonho* adivinh* cantar canta musica danc* filme-bom novela-nome bbb meme
bicho: cachorro* gato* gata passar* animal* bicho* galo cavalo vaca boi racao veterin* pet coelho papagaio periquito cao
beleza: cabel* unha* maquiag* manicure salao barb* corte-de perfume roupa* vestido sapato* tenis moda bolsa academia
comercio: vend* compr* revend* alug* anunci* ofert* ofere* fornec* encomend* troca-se classific* olx shopee mercado-livre shopping geladeira fogao celular iphone notebook sofa cama televisao capinha chip impressora pc computador fone caixa-de-som
imovel: aluguel alugar imovel terreno casa-pra quarto corretor apartamento kitnet
emprego: vaga* emprego* curricul* estagi* contratando selecao-de recrut* entrevista rh salario-de freelance trabalhar jovem-aprendiz
fe: deus jesus oracao orar missa padre pastor igreja biblia versiculo santo santa benca amem novena rezar reza corrente
amor_: namor* amor casar casad* solteir* apaixon* beijo* linda lindo gostos* paquer* carente solidao
golpe: sorte* sorteio premio premiad* ganh* clique clic* link bitcoin* cripto* invest* lucr* renda emprest* consignad* pirâmide resgat* milh* golpista hacker hackear invadir clona*
ordem_maquina: ignor* instruc* prompt regra* regras finja finge sistema admin desenvolvedor programador script* python html sql codigo-fonte root senha-do-admin jailbreak assuma simule
vizinho: vizinh* terceir* alguem-que outra-pessoa
sentir: trist* feliz tedio sozinh* depress* ansied* chateado saudade cansad* saudades
brinc: kkk* rsrs haha* hehe* brinc* zoeira
"""

#: Words that carry no wish: how people address, hedge or soften.
FILLERS = frozenset(
    """visse oxe oxente uai so bah tche egua mano maninho mana parceiro brother bro truta meu minha filho filha fi moco moca
    senhor senhora sr sra dona seu amigo amiga querido querida amor chefe patrao rei gente pessoal galera vei veio veinho cara
    rapaz menino menina viu ne hein ai la aqui ali entao assim tipo bem ola oi opa dia boa bom tarde noite por favor gentileza
    prezado prezados senhores atenciosamente obrigado oh ah eh eita vixe ave maria nossa credo deus ceu pelo pela me te se lhe
    o a os as um uma uns umas de do da dos das em no na nos nas ao e que para com mas eu voce voces ele ela eles elas isso
    esse essa este esta isto aquele aquela la ja tambem mesmo hum hmm theo , . ! ? ; : ( ) " ' - … / *""".split()
)


def _tables() -> tuple[dict[str, str], dict[str, str]]:
    exact: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    for line in CONCEPTS.strip().splitlines():
        concept, words = line.split(": ", 1)
        for word in words.split():
            table, key = (prefixes, word[:-1]) if word.endswith("*") else (exact, word)
            table.setdefault(key, "")
            table[key] += f" {concept}" if concept != "-" else ""
    return exact, prefixes


_EXACT, _PREFIXES = _tables()


@lru_cache(maxsize=50_000)
def concepts_of(word: str) -> tuple[str, ...]:
    """The concepts of a folded word: those of the word itself, else of its longest listed beginning."""
    if word in _EXACT:
        return tuple(_EXACT[word].split())
    for length in range(len(word), 1, -1):
        if word[:length] in _PREFIXES:
            return tuple(_PREFIXES[word[:length]].split())
    return ()
